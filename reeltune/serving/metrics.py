"""Metrics of the service for Prometheus, as text; summed over workers by small files of each."""

import json
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.types import Scope

BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MetricValues = dict[str, dict[str, float]]  # by metric, by labels as they are written


class Metrics:
    """Counts of one worker; files of the others are added when they are asked for."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.requests: dict[tuple[str, str, int], int] = {}
        self.buckets: dict[str, list[int]] = {}
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self._written = ""

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request by its route; unknown paths are one route."""
        endpoint = scope.get("endpoint")
        route = getattr(getattr(endpoint, "func", endpoint), "__name__", "none")
        key = (route, scope["method"] if route != "none" else "ANY", status)
        self.requests[key] = self.requests.get(key, 0) + 1
        buckets = self.buckets.get(route)
        if buckets is None:
            buckets = self.buckets[route] = [0] * (len(BOUNDS_SECONDS) + 1)
        buckets[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        self.seconds[route] = self.seconds.get(route, 0.0) + seconds

    def add(self, name: str, n: int = 1) -> None:
        """Count something else that happened."""
        self.counts[name] = self.counts.get(name, 0) + n

    def figures(self) -> MetricValues:
        """Return the counts of this worker."""
        found: MetricValues = {
            "reeltune_http_requests_total": {
                _labels(route=route, method=method, status=status): n
                for (route, method, status), n in self.requests.items()
            },
            "reeltune_http_request_seconds_sum": {
                _labels(route=route): total for route, total in self.seconds.items()
            },
            "reeltune_http_request_seconds_count": {
                _labels(route=route): sum(each) for route, each in self.buckets.items()
            },
            "reeltune_http_request_seconds_bucket": {},
        }
        for route, buckets in self.buckets.items():
            below = 0
            for bound, n in zip((*BOUNDS_SECONDS, "+Inf"), buckets, strict=True):
                below += n
                found["reeltune_http_request_seconds_bucket"][_labels(route=route, le=bound)] = (
                    below
                )
        for name, n in self.counts.items():
            found[f"reeltune_{name}_total"] = {"": n}
        return found

    def publish(self) -> None:
        """Write the counts where the other workers find them, if they have changed."""
        if self.directory is None:
            return
        text = json.dumps(self.figures())
        if text == self._written:
            return
        path = self.directory / f"{os.getpid()}.json"
        with suppress(OSError):  # a full disk: figures are missing, nothing else
            path.with_suffix(".new").write_text(text, encoding="utf-8")
            path.with_suffix(".new").replace(path)
            self._written = text

    def text(self, gauges: Mapping[str, float | None]) -> str:
        """Return all metrics, of all workers, and `gauges` as this worker sees them."""
        total: MetricValues = {}
        for figures in (self.figures(), *self._others()):
            for name, by_labels in figures.items():
                mine = total.setdefault(name, {})
                for labels, value in by_labels.items():
                    mine[labels] = mine.get(labels, 0) + value
        return "\n".join([*_lines(total), *_gauge_lines(gauges)]) + "\n"

    def _others(self) -> Iterator[MetricValues]:
        if self.directory is None:
            return
        for path in sorted(self.directory.glob("*.json")):
            if path.stem != str(os.getpid()):
                with suppress(OSError, ValueError):
                    yield json.loads(path.read_text(encoding="utf-8"))


def _lines(figures: MetricValues) -> Iterator[str]:
    histogram = "reeltune_http_request_seconds"
    for name in sorted(figures):
        if name == f"{histogram}_bucket":
            yield f"# TYPE {histogram} histogram"
        elif not name.startswith(histogram):
            yield f"# TYPE {name} counter"
        yield from _values(name, figures[name].items())


def _gauge_lines(gauges: Mapping[str, float | None]) -> Iterator[str]:
    for name, value in gauges.items():
        if value is not None:
            yield f"# TYPE reeltune_{name} gauge"
            yield from _values(f"reeltune_{name}", [("", value)])


def _values(name: str, by_labels: Iterable[tuple[str, float]]) -> Iterator[str]:
    for labels, value in by_labels:
        yield f"{name}{labels} {value:g}" if isinstance(value, float) else f"{name}{labels} {value}"


def _labels(**labels: Any) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
