"""Statistics: paired tests, multiple testing, alpha spending, selection bias, power, Pareto fronts."""
