"""Tracked secrets: their rows, what their owner does with them, and what the watcher writes."""
