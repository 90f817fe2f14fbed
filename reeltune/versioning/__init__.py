"""Versions of models: retraining, registry, history, reproduction, retention, verification."""
