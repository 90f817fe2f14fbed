"""Random search: uniform over all valid configurations."""

from reeltune.search.strategy import Problem, Proposal


class Random:
    """Uniform points of the cube.

    Source: Bergstra and Bengio 2012, "Random search for hyper-parameter optimization".
    """

    name = "random"
    is_adaptive = False

    def propose(self, problem: Problem) -> Proposal:
        """Return any valid configuration, with equal chance."""
        point = problem.generator().random(len(problem.space.dimensions))
        return Proposal(problem.space.decode(point), "explore")
