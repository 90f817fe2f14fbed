"""Tables and JSON of versions."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from reeltune.cli.tables import Table, plain_table, print_table
from reeltune.db.versions import Fault
from reeltune.domain.erasure import VersionErasure
from reeltune.domain.recommendation import RecommendationList
from reeltune.domain.version import Version, VersionEvent
from reeltune.reports.training_tables import epochs_json, print_epochs
from reeltune.training.recording import RecordedEpoch

_STYLES = {"production": "green", "refused": "red", "archived": "dim"}


def plain(text: object) -> Text:
    """Return `text` from outside without markup, control characters made visible.

    >>> plain("[red]one\\ntwo\\x1b[31m").plain
    '[red]one\\\\ntwo\\\\x1b[31m'
    """
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return Text("".join(shown))


def versions_json(versions: Iterable[Version]) -> list[dict[str, Any]]:
    """Return each version with its training, as one object."""
    return [asdict(version) for version in versions]


def print_versions(console: Console, versions: Sequence[Version]) -> None:
    """Print a line per version."""
    figures = (">accuracy", ">NDCG@10", ">ratings", ">parent")
    headings = (">version", "status", "!created (UTC)", "!experiment", *figures)
    table = plain_table(*headings, drop=("parent", "ratings", "NDCG@10", "created (UTC)"))
    for version in versions:
        training = version.training
        table.add_row(
            str(version.version),
            Text(version.status, style=_STYLES.get(version.status, "")),
            plain(version.created_at[:16].replace("T", " ")),
            plain(training.experiment_id or "-"),
            _metric(training.test_metrics.get("accuracy")),
            _metric(training.test_metrics.get("ndcg@10")),
            f"{training.n_ratings:,}",
            _figure(version.parent_version),
        )
    print_table(
        console, "Versions", table, empty="There is no version yet: run `retrain_model.py`."
    )


def show_json(
    version: Version,
    events: Iterable[VersionEvent],
    recommendations: RecommendationList | None,
    erased: Sequence[VersionErasure] = (),
    epochs: Sequence[RecordedEpoch] = (),
) -> dict[str, Any]:
    """Return a version with its lineage, its events and, if asked for, a user's list."""
    said = asdict(version) | {"events": [asdict(event) for event in events]}
    if erased:
        said["erasures"] = [asdict(each) | {"said": str(each)} for each in erased]
    if epochs:
        said["epochs"] = epochs_json(epochs)
    if recommendations is not None:
        said["recommendations"] = [
            {"title": each.title, "movie_id": each.movie_id, "score": each.score}
            | {"parts": dict(each.parts)}
            for each in recommendations
        ]
        said["profile"] = {"source": recommendations.source, "reason": reason_of(recommendations)}
    return said


def print_version(
    console: Console,
    version: Version,
    events: Iterable[VersionEvent],
    erased: Sequence[VersionErasure] = (),
    epochs: Sequence[RecordedEpoch] = (),
) -> None:
    """Print lineage, hyperparameters, metrics and events of a version."""
    training = version.training
    lines = {
        "model": training.model,
        "data": f"{training.n_ratings:,} ratings, {training.data_fingerprint[:12]}",
        "split": training.split,
        "code": training.code_version,
        "seed": training.seed,
        "experiment": training.experiment_id or "-",
        "parent": _named(version.parent_version),
        "trained": f"{training.created_at}, in {training.duration_seconds:.1f} s",
        "registered": version.created_at,
        "environment": ", ".join(f"{n} {v}" for n, v in training.environment.items()) or "-",
        "artifact": version.artifact or "none is kept of a refused version",
    }
    print_table(console, f"Version {version.version}, {version.status}", _lineage(lines))
    for each in erased:
        console.print(plain(f"note: {each}"), soft_wrap=True)
    print_table(console, "Hyperparameters", _values(training.hyperparameters, _figure))
    print_table(console, "Metrics on the test set", _values(training.test_metrics, _metric))
    print_epochs(console, epochs)
    print_table(console, "Events", _events(events))


def reason_of(found: RecommendationList) -> str:
    """Return what a user's list rests on, in words."""
    return found.because or f"by the ratings that version {found.version} was fitted to"


def diff_json(a: Version, b: Version) -> dict[str, Any]:
    """Return hyperparameters and metrics of two versions, by name."""
    return {"a": a.version, "b": b.version} | {
        kind: {name: {"a": x, "b": y, "changed": x != y} for name, (x, y) in _pairs(*each).items()}
        for kind, each in _compared(a, b).items()
    }


def print_diff(console: Console, a: Version, b: Version) -> None:
    """Print hyperparameters and metrics of two versions side by side; differences are marked."""
    for kind, each in _compared(a, b).items():
        both = (f">version {a.version}", f">version {b.version}")
        table = plain_table("changed", "name", *both, ">difference")
        for name, (x, y) in _pairs(*each).items():
            changed = x != y
            cells = (plain(name), _figure(x), _figure(y), _difference(x, y))
            table.add_row("*" if changed else "", *cells, style="bold" if changed else "")
        print_table(console, kind.replace("_", " ").capitalize(), table)


def faults_json(faults: Sequence[Fault]) -> dict[str, Any]:
    """Return whether nothing is wrong, and the faults."""
    return {"ok": not faults, "faults": [asdict(fault) for fault in faults]}


def print_faults(console: Console, faults: Sequence[Fault]) -> None:
    """Print what is wrong, and what to do about each."""
    for fault in faults:
        console.print(plain(f"{fault.subject}: {fault.what}"), style="red", soft_wrap=True)
        console.print(plain(f"  to do: {fault.remedy}"), soft_wrap=True)


def _compared(a: Version, b: Version) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return {
        "hyperparameters": (a.training.hyperparameters, b.training.hyperparameters),
        "test_metrics": (a.training.test_metrics, b.training.test_metrics),
    }


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return both values of each name, None where one lacks it."""
    return {name: (a.get(name), b.get(name)) for name in {**a, **b}}


def _difference(a: Any, b: Any) -> str:
    if a is None or b is None or a == b:
        return ""
    return f"{b - a:+.4g}"


def _events(events: Iterable[VersionEvent]) -> Table:
    table = plain_table("when", "event", "reason", "evidence")
    before: Mapping[str, Any] = {}
    for event in events:
        lines = _evidence(event.evidence) if event.evidence != before else ["as above"]
        before = event.evidence
        cells = (event.happened_at, event.event, event.reason)
        table.add_row(*map(plain, cells), Text("\n").join(map(plain, lines)))
    return table


def _evidence(evidence: Mapping[str, Any]) -> list[str]:
    """Return what decided, in lines; the rules that did not decide are only counted."""
    rules = evidence.get("rules")
    if not isinstance(rules, list):
        return [f"{n}: {json.dumps(v, ensure_ascii=False)}" for n, v in evidence.items()]
    decisive = [rule for rule in rules if rule.get("binding")]
    lines = [f"{rule.get('verdict')}: {rule.get('figures')}" for rule in decisive]
    others = len(rules) - len(decisive)
    return (
        [*lines, f"and {others} rules that did not decide (--json has them)"] if others else lines
    )


def _values(values: Mapping[str, Any], shown: Callable[[float | None], str]) -> Table:
    table = plain_table("name", ">value")
    for name, value in values.items():
        table.add_row(plain(name), shown(value))
    return table


def _lineage(lines: Mapping[str, object]) -> Table:
    table = plain_table("lineage", "value")
    for name, value in lines.items():
        table.add_row(name, plain(value))
    return table


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _metric(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _named(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
