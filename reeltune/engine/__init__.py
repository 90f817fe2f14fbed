"""Exact evaluation of many configurations at once, by compiled code."""
