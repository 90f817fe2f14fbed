"""Degradation of what is in production, drift of the data, health of the database."""
