"""Tracked secrets: their rows, what their owners do with them, and what the watcher writes."""
