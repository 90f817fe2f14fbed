"""What can be done with versions beside promoting them: reproduce, look back, clear away, watch."""
