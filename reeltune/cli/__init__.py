"""Options that commands share, the console, and how an expected error ends a command."""
