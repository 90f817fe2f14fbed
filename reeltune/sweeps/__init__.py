"""Sweeps: tuning runs described in a file, checked before anything runs."""
