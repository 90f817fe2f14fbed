"""Value of each way of choosing the best of a run to users it was not chosen on.

    python -m benchmarks.choosing --db movies.db

A pool of random configurations is measured once on the validation part, user by user. Then users
are divided at random again and again: one part chooses out of a run of N, another says what that is
worth. In a third of the users the deployed configuration was the best of 50 before.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.experiment import LOWER_BOUND_ERRORS
from reeltune.domain.study import StudyConfig
from reeltune.stats.paired_gain import paired_gain
from reeltune.stats.selection_bias import estimate_selection_bias
from reeltune.tasks.ratings import RatingsEvaluator

RULES = {  # standard errors that are taken off
    "the mean": 0.0,
    "the mean less one standard error": 1.0,
    "the lower bound (95 %)": LOWER_BOUND_ERRORS,
}


@dataclass(frozen=True)
class Chosen:
    """Result of one choice; gains are over what was deployed."""

    seen: float  # by the users that chose
    true: float  # by others; 0 where the deployed one stayed
    corrected: float  # what was seen, less its luck as estimated for the lower bound


def user_values(db: Path, objective: str, n: int) -> Floats:
    """(n + 1, U) of the defaults and `n` random configurations, users with a value only."""
    with connection(db) as conn:
        data = load_dataset(conn)
    study = StudyConfig(objective=objective)
    rng = np.random.default_rng(5)
    points = [rng.random(len(SPACE.dimensions)) for _ in range(n)]
    defaults = SPACE.defaults()
    fixed = {m.name: defaults[m.name] for m in SPACE.hyperparameters.values() if not m.searched}
    tried = [defaults, *({**SPACE.decode(point), **fixed} for point in points)]
    found = RatingsEvaluator.of(data, study).evaluate_many(tried)
    values = np.stack([each.per_unit[objective] for each in found])
    return np.asarray(values[:, np.isfinite(values).all(axis=0)])


def choose(gains: Floats, choosing: Ints, others: Ints, rule: str) -> Chosen:
    """Choose the best of `gains` (N, U) by `rule` on some users; measure it on the others."""
    found = [paired_gain(each, np.zeros(len(choosing))) for each in gains[:, choosing]]
    errors = np.array([0.0 if each is None else each.error for each in found])
    means = gains[:, choosing].mean(axis=1)
    scores = means - RULES[rule] * errors
    best = int(np.argmax(scores))
    if scores[best] <= 0:
        return Chosen(0.0, 0.0, 0.0)
    by_group = np.stack([each.by_group for each in found if each is not None])
    chance = (
        estimate_selection_bias(means, errors, by_group)
        if RULES[rule] == LOWER_BOUND_ERRORS
        else None
    )
    seen = float(means[best])
    return Chosen(
        seen=seen,
        true=float(gains[best, others].mean()),
        corrected=seen if chance is None else seen - chance.of_best,
    )


def studies(values: Floats, n: int, rule: str, n_studies: int, *, tuned: bool) -> list[Chosen]:
    """Choices out of `n` of a pool (N, U), against the defaults or the best of 50 before."""
    found = []
    for study in range(n_studies):
        rng = np.random.default_rng([study, n])
        before, choosing, others = np.array_split(rng.permutation(values.shape[1]), 3)
        order = 1 + rng.permutation(len(values) - 1)
        deployed = values[0]
        if tuned:
            earlier = order[-50:]
            deployed = values[earlier[values[earlier][:, before].mean(axis=1).argmax()]]
        found.append(choose(values[order[:n]] - deployed, choosing, others, rule))
    return found


def main() -> None:
    """Print a line per case and rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--studies", type=int, default=300)
    asked = parser.parse_args()
    print(f"objective  deployed   of  {'chosen by':32s}  gain     worse   stays  luck    told")
    for objective in ("accuracy", "ndcg@10"):
        values = user_values(asked.db, objective, 400)
        for tuned in (False, True):
            for n in (20, 100):
                for rule in RULES:
                    found = studies(values, n, rule, asked.studies, tuned=tuned)
                    print(_line(objective, tuned, n, rule, found))


def _line(objective: str, tuned: bool, n: int, rule: str, found: list[Chosen]) -> str:
    changed = [each for each in found if each.seen]
    luck_seen = np.mean([each.seen - each.true for each in changed]) if changed else 0.0
    luck_told = np.mean([each.seen - each.corrected for each in changed]) if changed else 0.0
    return (
        f"{objective:9s}  {'tuned' if tuned else 'defaults':8s}  {n:3d}  {rule:32s}"
        f"  {np.mean([each.true for each in found]):+.4f}"
        f"  {np.mean([each.true < 0 for each in found]):6.2f}"
        f"  {1 - len(changed) / len(found):5.2f}  {luck_seen:.4f}  {luck_told:.4f}"
    )


if __name__ == "__main__":
    main()
