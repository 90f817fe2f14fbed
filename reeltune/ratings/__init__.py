"""Ratings and catalogue as arrays, and their splits."""
