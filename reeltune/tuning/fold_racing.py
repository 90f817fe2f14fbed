"""Racing on the first fold: a configuration that is clearly worse there is fitted on no other."""

from collections.abc import Sequence

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.stats.paired_gain import random_groups
from reeltune.tasks.tabular import TabularEvaluator
from reeltune.tasks.task import Evaluator
from reeltune.tuning.pruning import Pruner, Rung
from reeltune.tuning.pruning_rules import MIN_USERS


class FoldPruner(Pruner):
    """Pruner whose only rung is the first fold, row by row against the best configuration."""

    def rungs(self, incumbent: Floats | None) -> Sequence[Rung]:
        """Return the first fold as a rung; none where its rows say too little."""
        if self._rungs is None:
            assert isinstance(self.evaluator, TabularEvaluator)
            assert incumbent is not None
            first = self.evaluator.first_units
            known = np.flatnonzero(np.isfinite(incumbent))
            own = np.intersect1d(known, first) if first is not None else known[:0]
            groups = [own[each] for each in random_groups(len(own), self.seed)] if len(own) else []
            is_enough = len(own) >= MIN_USERS
            self._rungs = [Rung(0, groups, len(known))] if is_enough else []
        return self._rungs


def has_folds(evaluator: Evaluator) -> bool:
    """Return whether configurations can be raced on the first of several folds."""
    return isinstance(evaluator, TabularEvaluator) and evaluator.first_units is not None
