"""What became of a secret, in one vocabulary: its words, its cards, what changed, and burning it."""
