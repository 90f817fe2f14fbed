"""Stops an experiment as soon as it is clearly worse than the best: on ever more of the users."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # its parts are imported when first used

from domain.arrays import Floats, Ints
from domain.experiment import Measurement, Pruned
from domain.recommender import Recommender
from domain.space import Configuration
from evaluation.evaluate import Evaluation, evaluate
from model import model_class
from training.engine import Engine, applies
from training.trainer import Trainer

SHARES = (1 / 16, 1 / 4)  # of the users, after which is looked
LEVEL = 0.01  # most chance, over all looks, to prune what is as good as the best
LEAST_USERS = 30  # with a value; fewer say nothing of a mean


@dataclass(frozen=True, eq=False)
class Contest:
    """A configuration to be measured, and what it has to be compared with."""

    configuration: Configuration
    rival: Floats | None  # (U,) the objective of the best known per user; None: nothing to beat
    rival_value: float | None = None  # and for all of them

    @property
    def has_rival(self) -> bool:
        """Is there anything to be compared with?"""
        return self.rival is not None and self.rival_value is not None


class Pruner:
    """Measures configurations, each on a few users first; fit to be sent to another process.

    The users are in one order for all experiments, drawn by `seed`; so what is pruned depends on
    configuration and rival alone.
    """

    def __init__(self, trainer: Trainer, seed: int) -> None:
        self.trainer = trainer
        self.seed = seed
        self._latest: tuple[Configuration, Recommender] | None = None

    def __call__(self, contest: Contest) -> Measurement | Pruned:
        """What the configuration is worth, or that it is clearly worse than its rival.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        return self.measure_many([contest])[0]

    def measure_many(self, contests: Sequence[Contest]) -> list[Measurement | Pruned]:
        """The same of each, all that are left measured together on ever more users.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        found: dict[int, Measurement | Pruned] = {}
        spent = np.zeros(len(contests))  # seconds
        for users in self.parts:
            asked = [
                k for k, contest in enumerate(contests) if contest.has_rival and k not in found
            ]
            for k, evaluation in self._measured(contests, asked, users, spent):
                pruned = self._pruned(contests[k], evaluation, users, float(spent[k]))
                if pruned is not None:
                    found[k] = pruned
        left = [k for k in range(len(contests)) if k not in found]
        for k, evaluation in self._measured(contests, left, self.users, spent):
            found[k] = self.trainer.measurement(evaluation, float(spent[k]))
        return [found[k] for k in range(len(contests))]

    def _measured(
        self, contests: Sequence[Contest], asked: Sequence[int], users: Ints, spent: Floats
    ) -> list[tuple[int, Evaluation]]:
        """The figures of the contests `asked` for on some users; the time taken goes to `spent`."""
        began = time.perf_counter()
        configurations = [contests[k].configuration for k in asked]
        evaluations = self._evaluations(configurations, users)
        spent[list(asked)] += (time.perf_counter() - began) / max(1, len(asked))
        return list(zip(asked, evaluations, strict=True))

    def _pruned(
        self, contest: Contest, found: Evaluation, users: Ints, seconds: float
    ) -> Pruned | None:
        """That what was `found` on these users is clearly worse than the rival, if it is."""
        assert contest.rival is not None
        assert contest.rival_value is not None
        objective = self.trainer.objective
        gain = clear_loss(found.per_user[objective], contest.rival, len(self.users))
        if gain is None:
            return None
        return Pruned(
            objective=objective,
            difference=gain,
            estimate=contest.rival_value + gain,
            n_users=len(users),
            share_of_users=len(users) / len(self.users),
            seconds=seconds,
        )

    @cached_property
    def users(self) -> Ints:
        """(E,) positions of the users with a held-out rating, ascending."""
        return np.flatnonzero(np.diff(self.trainer.held_out.starts))

    @cached_property
    def parts(self) -> list[Ints]:
        """The users of each look, ascending; each holds those of the one before."""
        order = np.random.default_rng([self.seed, 1]).permutation(self.users)
        sizes = [math.ceil(share * len(order)) for share in SHARES]
        return [np.sort(order[:size]) for size in sizes if size >= LEAST_USERS]

    @cached_property
    def engines(self) -> dict[int, Engine]:
        """The engine for each part, by its size; empty where there is none for this data."""
        whole = self.trainer.engine
        if whole is None:
            return {}
        return {len(part): among(whole, part) for part in [*self.parts, self.users]}

    def _evaluations(
        self, configurations: Sequence[Configuration], users: Ints
    ) -> list[Evaluation]:
        """The figures of each configuration on these users alone."""
        if self.engines and all(map(applies, configurations)):
            engine = self.engines[len(users)]
            found = dict(engine.evaluate(configurations, self.trainer.threads))
            return [found[k] for k in range(len(configurations))]
        trainer = self.trainer
        held_out = trainer.held_out.where(np.isin(trainer.held_out.users, users))
        return [
            evaluate(self._fitted(c).score, trainer.fitting, held_out, trainer.catalogue)
            for c in configurations
        ]

    def _fitted(self, configuration: Configuration) -> Recommender:
        """The model with this configuration, fitted once for all looks at it."""
        if self._latest is None or self._latest[0] != configuration:
            trainer = self.trainer
            model = model_class(trainer.model)(configuration)
            self._latest = (configuration, model.fit(trainer.fitting, trainer.catalogue))
        return self._latest[1]


def clear_loss(values: Floats, rival: Floats, n_all: int, looks: int = len(SHARES)) -> float | None:
    """The mean of `values - rival` (U,) where it is certainly below 0, else None.

    An upper limit of the mean over all `n_all` users, of whom these are a random part without
    replacement, by Student's t with the correction for a finite population. The level is divided
    among the looks (Bonferroni), so the limit holds at every look at once. On means: sign and rank
    tests on such data have inflated error.

    Source: Cochran 1977, "Sampling techniques", section 2.8; Ihemelandu and Ekstrand 2023,
    "Inference at scale: significance testing for large search and recommendation experiments".
    """
    both = np.isfinite(values) & np.isfinite(rival)
    n = int(both.sum())
    if n < LEAST_USERS:
        return None
    differences = values[both] - rival[both]
    mean = float(differences.mean())
    finite_population = math.sqrt(max(0.0, 1 - n / max(n, n_all)))
    error = float(differences.std(ddof=1)) / math.sqrt(n) * finite_population
    limit = mean + float(scipy.special.stdtrit(n - 1, 1 - LEVEL / looks)) * error
    return mean if limit < 0 else None


def among(engine: Engine, users: Ints) -> Engine:
    """The engine for some of its users alone, at ascending positions; it shares all else."""
    world = engine.world
    rows = np.flatnonzero(np.isin(world.users, users))
    starts, ends = world.held_starts[rows], world.held_starts[rows + 1]
    held = _ranges(starts, ends)
    part = world._replace(
        users=world.users[rows],
        held_starts=np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64),
        held=world.held[held],
        liked=world.liked[held],
    )
    return Engine(part)


def _ranges(starts: Ints, ends: Ints) -> Ints:
    """All whole numbers from each start up to before its end, one range after the other."""
    parts: Sequence[Ints] = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
