"""Several runs side by side: the best of each, and whether they differ beyond noise."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_progress, load_run
from reeltune.db.user_values import load_user_values
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.stats.multiple_testing import holm
from reeltune.stats.paired_tests import CONFIDENCE, paired_difference
from reeltune.views.comparison import Verdict, compared_verdict
from reeltune.views.json_ready import json_ready
from reeltune.views.summary import Milestone, best_so_far, ranking

MIN_USERS = 2  # whose values a comparison needs


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One run of several, with its best experiment."""

    tuning_run_id: str
    method: str
    model: str
    split: str
    seed: int
    data_fingerprint: str | None
    n_completed: int
    best: Experiment | None
    steps: tuple[Milestone, ...]  # the best after each experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRuns:
    """Difference of the best experiments of two runs, user by user. Above 0: `b` is better."""

    a: str
    b: str
    n_users: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None  # for the number of pairs (Holm)
    verdict: Verdict | None = None  # None: it cannot be compared
    reason: str | None = None  # why there is no interval


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsComparison:
    """Several runs side by side."""

    objective: str
    runs: tuple[ComparedRun, ...]
    pairs: tuple[PairOfRuns, ...]
    direction_note: str

    @property
    def verdict(self) -> str:
        """Verdict in one sentence."""
        sure = [p for p in self.pairs if p.verdict in ("better", "worse")]
        if not sure:
            return (
                f"No two of the {len(self.runs)} runs differ in {self.objective} beyond noise, "
                "as far as they can be compared."
            )
        wins = {run.tuning_run_id: 0 for run in self.runs}
        for pair in sure:
            wins[pair.b if pair.verdict == "better" else pair.a] += 1
        best = max(wins, key=lambda name: wins[name])
        n = wins[best]
        return f"The best of {best} is better beyond noise than that of {n} of the other runs."

    def as_dict(self) -> dict[str, Any]:
        """Return what `--format json` prints, without NaN."""
        return json_ready(self) | {"verdict": self.verdict}


def compare_runs(conn: Connection, run_ids: Sequence[str]) -> RunsComparison:
    """Return runs side by side; all pairs are compared by the values per user that are kept.

    Raises:
        InputError: fewer than two are named, one twice, or their objectives differ.
        NotFoundError: there is no such run.
    """
    if len(run_ids) < 2 or len(set(run_ids)) < len(run_ids):
        raise InputError(f"name two runs or more, each once, got {', '.join(run_ids) or 'none'}")
    with snapshot(conn):
        runs = [load_run(conn, run_id) for run_id in run_ids]
        objectives = dict.fromkeys(run.objective for run in runs)
        if len(objectives) > 1:
            raise InputError(
                f"runs are compared by one objective, these have {', '.join(objectives)}"
            )
        compared = [_compared_run(conn, run) for run in runs]
        pairs = [_pair(conn, runs[0], a, b) for a, b in itertools.combinations(compared, 2)]
    return RunsComparison(
        objective=runs[0].objective,
        runs=tuple(compared),
        pairs=_adjusted(pairs),
        direction_note=runs[0].direction.note,
    )


def _compared_run(conn: Connection, run: TuningRun) -> ComparedRun:
    ranked = ranking(load_experiments(conn, run.tuning_run_id))
    return ComparedRun(
        tuning_run_id=run.tuning_run_id,
        method=run.method,
        model=run.model,
        split=run.split,
        seed=run.seed,
        data_fingerprint=run.data_fingerprint,
        n_completed=len(ranked),
        best=ranked[0] if ranked else None,
        steps=best_so_far(load_progress(conn, run.tuning_run_id), ranked),
    )


def _pair(conn: Connection, run: TuningRun, a: ComparedRun, b: ComparedRun) -> PairOfRuns:
    pair = PairOfRuns(a=a.tuning_run_id, b=b.tuning_run_id, n_users=0)
    if a.best is None or b.best is None:
        return replace(pair, reason="no experiment was completed")
    if a.data_fingerprint != b.data_fingerprint or a.split != b.split:
        return replace(pair, reason="they were measured on different data")
    values = [load_user_values(conn, e.experiment_id, run.objective) for e in (a.best, b.best)]
    first, second = values
    if first is None or second is None or not len(first) or first.shape != second.shape:
        return replace(pair, reason="no values per user are kept of both")
    found = paired_difference(run.direction.upwards(second), run.direction.upwards(first))
    if found.n_users < MIN_USERS:
        return replace(pair, n_users=found.n_users, reason="fewer than two users have both")
    return replace(
        pair,
        n_users=found.n_users,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        verdict=compared_verdict(found),
    )


def _adjusted(pairs: Sequence[PairOfRuns]) -> tuple[PairOfRuns, ...]:
    """Return the pairs with p-values for their number; a verdict that is lost by that is undone."""
    known = [pair for pair in pairs if pair.p_value is not None]
    adjusted = holm(np.array([pair.p_value for pair in known], dtype=np.float64))
    by_pair = {(p.a, p.b): float(value) for p, value in zip(known, adjusted, strict=True)}
    return tuple(_with_p_value(pair, by_pair.get((pair.a, pair.b))) for pair in pairs)


def _with_p_value(pair: PairOfRuns, adjusted: float | None) -> PairOfRuns:
    if adjusted is None:
        return pair
    verdict = pair.verdict if adjusted <= 1 - CONFIDENCE else "cannot tell"
    return replace(pair, adjusted_p_value=adjusted, verdict=verdict)
