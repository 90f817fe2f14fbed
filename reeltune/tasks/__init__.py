"""Tasks: what a tuning run tunes."""
