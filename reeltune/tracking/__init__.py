"""Lineage of results, and progress of a running study."""
