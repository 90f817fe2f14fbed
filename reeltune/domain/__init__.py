"""Domain: configurations and their space, experiments, studies, versions, errors. No I/O."""
