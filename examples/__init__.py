"""Worked examples: recommenders of one's own."""
