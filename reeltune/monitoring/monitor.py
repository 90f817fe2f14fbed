"""Monitor of production: degradation on the newest ratings, and drift of the data."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import load_watched
from reeltune.domain.clock import latest_believable
from reeltune.domain.errors import NotFoundError
from reeltune.domain.version import TrainingRun, Version
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.monitoring.degradation import (
    MetricChange,
    metric_change,
    metric_since,
    watched_since,
)
from reeltune.monitoring.drift import Drift, find_drift
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable
from reeltune.reports.cells import NONE, outside_text
from reeltune.views.json_ready import json_ready

Fit = Callable[[TrainingRun, RatingTable, Catalogue], Recommender]
MonitorVerdict = Literal["well", "cannot tell", "fallen"]
_SHOWN: dict[MonitorVerdict, tuple[str, str]] = {  # colour and words
    "well": ("green", "no degradation"),
    "cannot tell": ("yellow", "cannot tell"),
    "fallen": ("red", "degraded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradationReport:
    """Degradation of a version in production, and drift of the data."""

    version: int
    n_new_ratings: int  # since it was fitted
    health: MonitorVerdict
    said: str
    metric: str
    change: MetricChange
    drift: tuple[Drift, ...]
    n_in_future: int = 0  # ratings whose time lies ahead: not measured on

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`, without NaN; the change under the metric's name."""
        found: dict[str, Any] = json_ready(self)
        found[self.metric] = found.pop("change")
        return found


def measure_degradation(
    conn: Connection, version: Version, data: Dataset, fit: Fit
) -> DegradationReport:
    """Measure a version on the ratings that came after it was made.

    Its configuration is fitted again to the ratings up to then, so that new users and new movies
    are scored as the model scores them, and is compared with its accuracy, when it was made, on
    the latest days of then, fitted to what came before them: the calendar's test part. Where there
    are no dislikes it is the objective by which the version was decided instead of accuracy.

    Args:
        conn: the database.
        version: what is in production.
        data: all there is by now.
        fit: fits a version's configuration.

    Raises:
        NotFoundError: nothing to compare the version with was stored.
    """
    watched = load_watched(conn, version.version)
    if watched is None:
        raise NotFoundError(
            f"the accuracy per user of version {version.version} was not stored:"
            " `retrain_model.py --force` makes one with it"
        )
    metric, reference = watched
    believed = latest_believable()
    made_at = latest_believable(datetime.fromisoformat(version.created_at))
    since = watched_since(
        data.ratings, reference.newest_rated_at, version.training.n_ratings, min(made_at, believed)
    )
    ratings = data.ratings.where(data.ratings.rated_at <= believed)
    model = fit(version.training, ratings.where(ratings.rated_at <= since), data.catalogue)
    now = metric_since(metric, model.score, ratings, data.catalogue, since)
    direction = METRICS[metric].direction
    found = metric_change((reference.user_ids, reference.values), now, direction)
    return DegradationReport(
        version=version.version,
        n_new_ratings=int(np.count_nonzero(ratings.rated_at > since)),
        health=_health(found),
        said=_said(metric, found),
        metric=metric,
        change=found,
        drift=tuple(find_drift(replace(data, ratings=ratings), since)),
        n_in_future=len(data.ratings) - len(ratings),
    )


def render_degradation(console: Console, found: DegradationReport) -> None:
    """Print the degradation of production and the drift of the data."""
    colour, verdict = _SHOWN[found.health]
    console.print(f"[bold {colour}]Version {found.version}: {verdict}[/]")
    console.print(f"  {outside_text(console, found.said)}")
    console.print(f"  {found.n_new_ratings:,} ratings are newer than all that it was fitted to")
    if found.n_in_future:
        console.print(
            f"  [yellow]{found.n_in_future:,} ratings have a time in the future and are left out[/]"
        )
    console.print()
    headings = ("verdict", "data", ">index", ">by chance", ">p", "most changed", ">before", ">now")
    table = plain_table(*headings, drop=("by chance",))
    for each in found.drift:
        known = not np.isnan(each.index)
        table.add_row(
            "[red]drifted[/]" if each.drifted else "[green]steady[/]" if known else NONE,
            each.name,
            f"{each.index:.3f}" if known else NONE,
            f"{each.by_chance:.3f}" if known else NONE,
            f"{each.p_value:.2g}" if known else NONE,
            outside_text(console, each.most_changed) if known else NONE,
            f"{each.share_before:.1%}" if known else NONE,
            f"{each.share_after:.1%}" if known else NONE,
        )
    print_table(console, "New ratings against as many before", table)


def _health(found: MetricChange) -> MonitorVerdict:
    if np.isnan(found.difference):
        return "cannot tell"
    return "fallen" if found.fallen else "well"


def _said(metric: str, found: MetricChange) -> str:
    if np.isnan(found.difference):
        return (
            f"only {found.n_now} users can be measured on new ratings "
            f"({found.n_then} could when it was made): too few to tell"
        )
    return (
        f"{metric} {found.now:.4f} on new ratings of {found.n_now:,} users, {found.then:.4f} when "
        f"it was made: {found.difference:+.4f} (95 % interval {found.low:+.4f} to "
        f"{found.high:+.4f}, p = {found.p_value:.2g} for no degradation)"
    )
