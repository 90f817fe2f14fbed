"""HTTP service: recommendations of the version in production, and what clients send back."""
