"""Studies: trials are asked for, tried by whoever asks, and told, with Vizier's names."""
