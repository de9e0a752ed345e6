"""What every handler is made of: what a person did, the services, who owns what, and reading what was pasted."""
