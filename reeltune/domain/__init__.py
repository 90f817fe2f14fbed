"""The nouns: ratings, hyperparameters and their space, experiments, versions, errors. No I/O."""
