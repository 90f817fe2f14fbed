"""Decisions whether a version may be promoted: rules, guardrails, error budget."""
