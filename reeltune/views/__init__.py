"""Read models of the terminal, JSON and pages."""
