"""Polls at tracked secrets, decides what is news, and hands the news to the messenger."""
