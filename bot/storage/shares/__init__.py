"""Shares and their deliveries: what a sender made, and who may open it."""
