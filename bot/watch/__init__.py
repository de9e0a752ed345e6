"""Polls tracked secrets, decides what is news, and tells the people who track them."""
