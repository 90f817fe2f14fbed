"""What was found, for people as tables and for scripts as JSON."""
