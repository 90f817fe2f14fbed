"""Tuning run: proposer, loop, ledger, run state, stopping, pruning, resume."""
