"""Read models: what the terminal, JSON and pages show."""
