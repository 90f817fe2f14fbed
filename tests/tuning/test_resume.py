from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection
from reeltune.db.experiments import load_experiments, save_experiment
from reeltune.db.tuning_runs import load_run, load_runs, save_run
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import TuningRun
from reeltune.domain.study import BUILT_IN
from reeltune.tracking.lineage import PLAIN_RATINGS_ONLY, code_version
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.tuning.resume import check_resumable, seconds_left, set_aside
from tests.tuning.experiments import experiment, run_of
from tests.views.stored_runs import StoredRun

STARTED = {
    "data_fingerprint": "d",
    "code_version": code_version(BUILT_IN),
    "space_fingerprint": "s",
}


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found


def tuner(conn: Connection | None = None, **values: Any) -> HyperparameterTuner:
    """What a tuner is asked for; its data and space are those of `STARTED`."""
    usual: dict[str, Any] = {
        "conn": conn,
        "task": SimpleNamespace(
            key=lambda _objective: SimpleNamespace(
                data_fingerprint="d", code_versions=(code_version(BUILT_IN),)
            )
        ),
        "space": SimpleNamespace(fingerprint="s"),
        "new_run": lambda method, n: run_of(
            tuning_run_id="new", method=method, n_configs=n, seed=99, status="planned"
        ),
    }
    return cast("HyperparameterTuner", SimpleNamespace(**usual | values))


def refusal(run: TuningRun) -> str:
    with pytest.raises(InputError) as refused:
        check_resumable(tuner(), run)
    return str(refused.value)


def test_a_run_on_the_same_data_by_the_same_program_can_go_on() -> None:
    for status in ("interrupted", "running", "completed"):
        check_resumable(tuner(), run_of(status=status, **STARTED))


def test_a_run_that_was_never_started_is_to_be_started() -> None:
    said = refusal(run_of(status="planned", method="tpe"))
    assert "was never started" in said
    assert "tune_orchestrator.py --method tpe" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data_fingerprint": "e"}, "the data changed"),
        ({"code_version": "c0de"}, "the program changed"),
        ({"space_fingerprint": "t"}, "the model's space changed"),
        (
            {"data_fingerprint": "e", "code_version": "c", "space_fingerprint": "t"},
            "the data and the program and the model's space changed",
        ),
    ],
)
def test_what_changed_is_named(changed: dict[str, str], said: str) -> None:
    assert refusal(run_of(status="interrupted", **STARTED | changed)).startswith(f"{said} since")


def test_a_method_that_there_is_no_more_is_named() -> None:
    assert "got 'guessing'" in refusal(run_of(method="guessing", **STARTED))


def limited(conn: Connection, seconds: float | None) -> TuningRun:
    """A run with that limit, which has worked for 6 seconds."""
    stored = StoredRun(conn)
    stored.completed(0.5, seconds=4.0, at="2026-11-20T21:00:04Z")
    stored.completed(0.6, seconds=2.0, at="2026-11-20T21:00:06Z")
    settings = {} if seconds is None else {"stop": {"timeout_seconds": seconds}}
    return run_of(tuning_run_id=stored.run_id, settings=settings)


@pytest.mark.parametrize(("limit", "left"), [(None, None), (10.0, 4.0), (6.0, 0.0), (3.0, 0.0)])
def test_earlier_work_is_taken_off_the_time_limit(
    conn: Connection, limit: float | None, left: float | None
) -> None:
    assert seconds_left(conn, limited(conn, limit)) == left


def test_of_a_run_that_did_nothing_yet_all_the_time_is_left(conn: Connection) -> None:
    run = run_of(tuning_run_id="other", settings={"stop": {"timeout_seconds": 7.0}})
    assert seconds_left(conn, run) == 7.0


def planned(conn: Connection, n: int) -> TuningRun:
    """A planned run with `n` stored candidates."""
    run = run_of(status="planned", n_configs=n)
    save_run(conn, run)
    for number in range(1, n + 1):
        values = {**SPACE.defaults(), "genre_boost_high": number / 100}
        phase = "initial" if number % 2 else "exploit"
        save_experiment(conn, experiment(number, hyperparameters=values, exploration_phase=phase))
    return run


def test_candidates_beyond_what_is_asked_for_are_kept_for_later(conn: Connection) -> None:
    run = planned(conn, 5)
    set_aside(tuner(conn), run_of(n_configs=3))
    assert [e.number for e in load_experiments(conn, run.tuning_run_id)] == [1, 2, 3]
    later = load_run(conn, f"{run.tuning_run_id}_rest")
    assert (later.status, later.method, later.n_configs, later.seed) == ("planned", "random", 2, 7)
    kept = load_experiments(conn, later.tuning_run_id)
    assert [(e.number, e.status) for e in kept] == [(1, "pending"), (2, "pending")]
    assert [e.hyperparameters["genre_boost_high"] for e in kept] == [0.04, 0.05]
    assert [e.exploration_phase for e in kept] == ["exploit", "initial"]


def test_without_any_beyond_nothing_is_made(conn: Connection) -> None:
    run = planned(conn, 3)
    set_aside(tuner(conn), run_of(n_configs=3))
    assert [each.tuning_run_id for each in load_runs(conn)] == [run.tuning_run_id]
    assert len(load_experiments(conn, run.tuning_run_id)) == 3


def test_a_run_of_a_program_that_took_other_data_than_plain_ratings_otherwise_is_refused() -> None:
    (earlier,) = PLAIN_RATINGS_ONLY
    run = run_of(status="interrupted", **STARTED | {"code_version": earlier})
    assert "the handling of equal times and events changed since run" in refusal(run)


def test_a_run_of_a_program_that_drew_ordered_hyperparameters_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its values count, but the rest would not be what it would have proposed."""
    run = run_of(status="interrupted", **STARTED)
    assert run.code_version is not None
    check_resumable(tuner(), run)
    monkeypatch.setattr("reeltune.tracking.lineage.OTHER_PROPOSALS", {run.code_version})
    said = refusal(run)
    assert "how searches draw ordered hyperparameters changed since run" in said
    assert "start a new run" in said
