"""Brings outside rows in: checks each, hands on the good ones, records the others."""
