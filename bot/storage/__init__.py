"""The database: what is kept, sealed how, and for how long."""
