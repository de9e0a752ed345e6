"""The database: what the bot stores, which values are encrypted, and how long each row stays."""
