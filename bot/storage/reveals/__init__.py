"""Openings of secrets: their rows, the order of an opening, and those that were cut off."""
