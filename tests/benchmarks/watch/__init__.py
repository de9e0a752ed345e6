"""The watcher against the goals set for it; `parts.py` has the list."""
