"""A tuning run: proposer, loop, ledger, run state, stopping, pruning, resume."""
