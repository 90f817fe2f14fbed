"""Tables for people and JSON for scripts."""
