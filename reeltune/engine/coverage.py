"""Coverage of the compiled engine; the reference measures everything else.

The registries may hold more, or something else under a name that stands here: then the engine
leaves it alone. What is declared here is checked against the reference to the bit by the tests.
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from multiprocessing import parent_process

from reeltune.components import COMPONENTS, Component
from reeltune.components.cast import Cast
from reeltune.components.franchise import Franchise
from reeltune.components.genre import Genre
from reeltune.components.popularity import Popularity
from reeltune.components.rating import Rating
from reeltune.domain.arrays import Floats
from reeltune.metrics import ranking_metrics as metrics
from reeltune.metrics.ranking_metrics import METRICS, Outcome

_log = logging.getLogger(__name__)

# By name, the definition that the engine has compiled code for.
COVERED_METRICS: dict[str, Callable[[Outcome], Floats]] = {
    "accuracy": metrics.accuracy,
    "ndcg@10": metrics.ndcg,
    "balanced": metrics.balanced,
    "recall@20": metrics.recall,
    "mrr": metrics.mrr,
    "coverage@10": metrics.coverage,
    "novelty": metrics.novelty,
    "diversity": metrics.diversity,
}

# In the order in which scores are added up, which decides their last bits: each component with the
# hyperparameters that the engine reads for it, in the order of the columns of a `Batch`.
COVERED_COMPONENTS: dict[type[Component], tuple[str, ...]] = {
    Rating: (),
    Popularity: ("popularity_rating_weight", "popularity_count_weight"),
    Franchise: (),
    Genre: (
        "genre_boost_high",
        "genre_boost_medium",
        "genre_boost_low",
        "genre_threshold_high",
        "genre_threshold_medium",
        "genre_threshold_low",
    ),
    Cast: (
        "cast_lead_weight",
        "cast_supporting_weight",
        "cast_background_weight",
        "cast_lead_threshold",
        "cast_supporting_threshold",
    ),
}


def uncovered_metrics() -> list[str]:
    """Return the registered metrics that the engine does not compute; log them once."""
    names = [n for n, metric in METRICS.items() if COVERED_METRICS.get(n) is not metric.measure]
    for name in names:
        _say_once(f"the compiled engine does not compute {name!r}: the slower reference does")
    return names


def covers_components() -> bool:
    """Return True if the engine computes the score of the registered components; else log why."""
    gaps = component_gaps()
    if gaps:
        _say_once(
            f"the compiled engine does not apply, for {' and '.join(gaps)}: "
            "the slower reference measures"
        )
    return not gaps


def component_gaps() -> list[str]:
    """Return the differences between the registered components and those covered, as text."""
    covered = {kind.name: kind for kind in COVERED_COMPONENTS}
    gaps = [
        f"it does not cover the component {name!r}"
        for name, kind in COMPONENTS.items()
        if covered.get(name) is not kind
    ]
    gaps += [f"the component {name!r} is not there" for name in covered if name not in COMPONENTS]
    gaps += [
        f"the component {kind.name!r} reads other hyperparameters than it covers"
        for kind, names in COVERED_COMPONENTS.items()
        if COMPONENTS.get(kind.name) is kind and set(kind.hyperparameters) != set(names)
    ]
    if not gaps and list(COMPONENTS) != list(covered):
        gaps = ["the components are added up in another order"]
    return gaps


@lru_cache
def _say_once(text: str) -> None:
    """Log `text` once in a program; workers leave it to their parent."""
    if parent_process() is None:
        _log.warning(text)
