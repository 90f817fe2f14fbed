"""The retraining pipeline: one experiment, and one gated retraining."""
