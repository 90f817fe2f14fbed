"""Measurement of many configurations in one pass over the users."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.progress import report_progress
from reeltune.engine.arrays import (
    ACCURACY,
    DIVERSITY,
    MRR,
    N_METRICS,
    NDCG,
    NOVELTY,
    RECALL,
    TOP,
    Batch,
    EngineIndex,
    Results,
)
from reeltune.metrics.evaluate import mean
from reeltune.storage.compiled_code import stored_code

CACHE_BYTES = 2**19  # of rows that may be under work at once: what stays in a core's own cache
RESULT_BYTES = 2**28  # of results that one pass may hold
MAX_CONFIGURATIONS = 256  # configurations in a pass
MAX_USERS_AT_ONCE = 16  # worked on at a time
TASKS_PER_THREAD = 8
MAX_USERS_PER_TASK = 1_000  # users: what an interrupted measurement has to wait for

_USER_METRICS = {
    "accuracy": ACCURACY,
    "ndcg@10": NDCG,
    "recall@20": RECALL,
    "mrr": MRR,
    "novelty": NOVELTY,
    "diversity": DIVERSITY,
}

Evaluate = Callable[[EngineIndex, Batch, int, int, int, Results], None]


@dataclass(frozen=True, eq=False)
class Figures:
    """Covered metrics of N configurations."""

    values: list[dict[str, float]]  # N
    per_unit: dict[str, Floats]  # (N, E) each, of the measured users
    top: Ints32  # (N, E, TOP) places of the movies, or (0, 0, TOP)

    def of(self, number: int, users: Ints, n_users: int) -> Evaluation:
        """Return the evaluation of configuration `number`; the measured users are at `users`."""
        per_unit = {}
        for name, values in self.per_unit.items():
            per_unit[name] = np.full(n_users, np.nan)
            per_unit[name][users] = values[number]
        return Evaluation(self.values[number], per_unit, len(users))


def n_threads() -> int:
    """Return how many threads to use: all usable cores, or fewer where the environment says so."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = os.environ.get("NUMBA_NUM_THREADS", "")
    limit = int(wanted) if wanted.isdecimal() and int(wanted) > 0 else usable
    return max(1, min(limit or 1, usable or 1))


def max_configurations(index: EngineIndex) -> int:
    """Return how many configurations one pass may take, by the size of its results."""
    per_configuration = 8 * N_METRICS * len(index.users) + len(index.bits) + 1
    return max(1, min(MAX_CONFIGURATIONS, RESULT_BYTES // per_configuration))


def measure_batch(
    index: EngineIndex, batch: Batch, threads: int | None = None, *, keep_top: bool = False
) -> Figures:
    """Compute the covered metrics of `batch`, of at most `max_configurations` configurations.

    The number of threads changes nothing: each user's results depend on that user alone, and are
    put together in the order of users.
    """
    n, n_users = len(batch.weights), len(index.users)
    results = Results(
        values=np.empty((n, N_METRICS, n_users)),
        shown=np.zeros((n, len(index.bits)), dtype=np.uint8),
        top=np.empty((n, n_users, TOP) if keep_top else (0, 0, TOP), dtype=np.int32),
    )
    evaluate = _compiled()
    threads = n_threads() if threads is None else min(threads, n_threads())
    group = _group(index, batch)
    spans = list(_spans(n_users, group, threads))
    tasks = [partial(evaluate, index, batch, *span, group, results) for span in spans]
    for n_done in _each(tasks, threads):
        report_progress("measuring all users", n_done / len(tasks))
    return _figures(results)


def _each(tasks: Sequence[Callable[[], None]], threads: int) -> Iterator[int]:
    """Run all `tasks` in so many threads; yield the number done, after each.

    On an interrupt only those that have begun are waited for.
    """
    if threads == 1 or len(tasks) == 1:
        for n_done, task in enumerate(tasks, 1):
            task()
            yield n_done
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for n_done, done in enumerate(as_completed(map(pool.submit, tasks)), 1):
            done.result()
            yield n_done
    finally:
        pool.shutdown(cancel_futures=True)


def _compiled() -> Evaluate:
    """Return the compiled inner loop; the compiler is imported at the first call only."""
    with stored_code(
        "reeltune.engine.kernel",
        Path(__file__).parent.glob("*.py"),
        name="fused",
        main="evaluate_users",
        message="compiling the engine for this machine, once: about 10 seconds",
    ):
        from reeltune.engine.kernel import evaluate_users

        evaluate: Evaluate = evaluate_users
    return evaluate


def _group(index: EngineIndex, batch: Batch) -> int:
    """Return how many users to measure at a time, so that their rows stay in a core's cache.

    Fewer where most configurations need rows of their own, made from all of the evidence.
    """
    if 2 * len(batch.cast) > len(batch.weights):
        return 2
    return int(max(1, min(MAX_USERS_AT_ONCE, CACHE_BYTES // max(1, 8 * len(index.bits)))))


def _spans(n_users: int, group: int, threads: int) -> Iterator[tuple[int, int]]:
    """Yield parts of the users, several for each thread, each of whole groups."""
    n_groups = -(-n_users // group)
    size = group * max(1, -(-n_groups // (threads * TASKS_PER_THREAD)))
    size = min(size, group * max(1, MAX_USERS_PER_TASK // group))
    for first in range(0, n_users, size):
        yield first, min(first + size, n_users)


def _figures(results: Results) -> Figures:
    n, _, n_users = results.values.shape
    per_unit = {name: results.values[:, column] for name, column in _USER_METRICS.items()}
    per_unit["balanced"] = (per_unit["accuracy"] + per_unit["ndcg@10"]) / 2
    means = {name: _means(values) for name, values in per_unit.items()}
    covered = np.count_nonzero(results.shown, axis=1) / max(1, results.shown.shape[1])
    means["coverage@10"] = covered if n_users else np.full(n, np.nan)
    values = [{name: float(means[name][k]) for name in means} for k in range(n)]
    return Figures(values, per_unit, results.top)


def _means(values: Floats) -> Sequence[float] | Floats:
    """Compute `mean` of each row of `values` (N, E), at once where all have the same users."""
    known = ~np.isnan(values)  # (N, E)
    if not known.size or not (known == known[0]).all() or not known[0].any():
        return [mean(row) for row in values]
    return np.asarray(np.ascontiguousarray(values[:, known[0]]).mean(axis=1))
