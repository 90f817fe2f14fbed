"""Metrics: counted by route, summed over workers, written as Prometheus reads them."""

import json
from pathlib import Path
from typing import Any

from reeltune.serving.metrics import Metrics


def answer_me() -> None:
    """A route, by its name."""


def scope(endpoint: Any = answer_me) -> dict[str, Any]:
    return {"method": "GET", "endpoint": endpoint}


def value(text: str, start: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return float(line.rpartition(" ")[2])


def test_requests_are_counted_by_route_status_and_seconds() -> None:
    metrics = Metrics(None)
    for seconds in (0.0004, 0.002, 7.0):
        metrics.count(scope(), 200, seconds)
    metrics.count({"method": "BREW"}, 404, 0.001)
    text = metrics.text({"production_version": 3, "nothing": None})
    route = 'route="answer_me"'
    assert value(text, f'reeltune_http_requests_total{{{route},method="GET",status="200"}}') == 3
    assert 'reeltune_http_requests_total{route="none",method="ANY",status="404"} 1' in text
    bucket = "reeltune_http_request_seconds_bucket"
    assert value(text, f'{bucket}{{{route},le="0.0005"}}') == 1
    assert value(text, f'{bucket}{{{route},le="0.0025"}}') == 2
    assert value(text, f'{bucket}{{{route},le="+Inf"}}') == 3
    assert value(text, f"reeltune_http_request_seconds_count{{{route}}}") == 3
    assert "reeltune_production_version 3" in text
    assert "nothing" not in text
    assert text.count("# TYPE reeltune_http_request_seconds histogram") == 1


def test_workers_add_up_and_one_that_died_still_counts(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.count(scope(), 200, 0.001)
    other = Metrics(None)
    for _ in range(4):
        other.count(scope(), 200, 0.001)
    other.add("exposures", 5)
    (tmp_path / "1.json").write_text(json.dumps(other.figures()))
    (tmp_path / "2.json").write_text("{damaged")
    metrics.publish()
    text = metrics.text({})
    key = 'reeltune_http_requests_total{route="answer_me",method="GET",status="200"}'
    assert value(text, key) == 5  # its own file is not added to itself
    assert value(text, "reeltune_exposures_total") == 5
