import pytest

from reeltune.db.connection import Connection
from reeltune.db.tuning_runs import load_run
from reeltune.tasks.registry import subject_of
from reeltune.views.best_of_runs import Deployable, best_of_runs, deployable, key_of
from tests.views.stored_runs import StoredRun

FIRST, SECOND = "random_20261120_210000", "grid_20261120_220000"


def choice(conn: Connection, run_id: str = SECOND) -> Deployable:
    run = load_run(conn, run_id)
    return deployable(conn, run, subject_of(run))


def best_id(conn: Connection, run_id: str = SECOND) -> str | None:
    return choice(conn, run_id).experiment_id


def two_runs(conn: Connection, **second: str) -> str:
    """Two runs, the first with the better experiment, whose id is returned."""
    first = StoredRun(conn, FIRST)
    first.completed(0.60)
    best = first.completed(0.65)
    run = StoredRun(conn, SECOND, **second)  # type: ignore[arg-type]
    run.completed(0.60)
    run.completed(0.62)
    return best


def test_the_best_is_that_of_all_comparable_runs_whichever_is_the_latest(conn: Connection) -> None:
    best = two_runs(conn)
    for run_id in (FIRST, SECOND):
        assert best_id(conn, run_id) == best
    assert choice(conn, FIRST).reason is None
    assert choice(conn, SECOND).reason == (
        f"the best of the 2 comparable runs is {best}: accuracy 0.6500, 95 % lower bound 0.6500"
    )


@pytest.mark.parametrize("other", [{"objective": "mrr"}, {"code_version": "1" * 12}])
def test_runs_of_another_objective_or_program_do_not_count(
    conn: Connection, other: dict[str, str]
) -> None:
    two_runs(conn, **other)
    assert best_id(conn) == f"{SECOND}_001"


@pytest.mark.parametrize(
    "change",
    [
        "data_fingerprint = 'e' || substr(data_fingerprint, 2)",
        "split = 'calendar'",
        "model = 'my.module:Own'",
        "space_fingerprint = 'another'",
        "settings = json_set(settings, '$.panel', 200)",
        "code_version = NULL",
    ],
)
def test_runs_on_other_data_of_another_model_or_on_other_users_do_not_count(
    conn: Connection, change: str
) -> None:
    two_runs(conn)
    conn.execute(f"UPDATE hp_tuning_runs SET {change} WHERE tuning_run_id = '{SECOND}'")
    assert best_id(conn) == f"{SECOND}_001"


def test_of_equals_the_earliest_run_has_the_best(conn: Connection) -> None:
    for run_id in (FIRST, SECOND):
        run = StoredRun(conn, run_id)
        run.completed(0.60)
        run.completed(0.65)
    key = key_of(load_run(conn, SECOND))
    assert key is not None
    found = best_of_runs(conn, key)
    assert found is not None
    assert (found.experiment.tuning_run_id, found.n_runs) == (FIRST, 2)


def test_what_a_later_run_began_with_may_be_better_than_all_it_found(conn: Connection) -> None:
    first = StoredRun(conn, FIRST)
    first.completed(0.60)
    first.completed(0.62)
    second = StoredRun(conn, SECOND)
    second.completed(0.65)  # what was deployed by then
    second.completed(0.64)
    found = choice(conn, FIRST)
    assert found.experiment_id is None
    assert found.reason == (
        f"nothing in 2 comparable runs is better beyond noise than what run {SECOND} began with"
    )
    assert choice(conn, SECOND).reason is None


def test_of_equals_the_run_shown_has_the_best(conn: Connection) -> None:
    for run_id in (FIRST, SECOND):
        run = StoredRun(conn, run_id)
        run.completed(0.65)
        run.completed(0.60)
    assert choice(conn) == Deployable()
    assert choice(conn, FIRST) == Deployable()
