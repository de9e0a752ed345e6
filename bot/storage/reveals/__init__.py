"""Reveals: a person opens a secret. Their rows, the order of the steps, and what recovery does."""
