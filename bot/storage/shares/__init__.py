"""Shares and their deliveries: what a sender shared, and who may open it."""
