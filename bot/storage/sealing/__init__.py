"""Sealing of stored values, the encryption keys, and the commands for the keys."""
