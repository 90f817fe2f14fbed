"""Paired tests, multiple testing, alpha spending, selection bias, power, Pareto fronts."""
