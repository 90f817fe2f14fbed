"""Training of torch models: one loop, watched by a monitor, that can be killed and resumed."""
