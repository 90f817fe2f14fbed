from pathlib import Path

import numpy as np
import pytest

from reeltune.db.connection import connection
from reeltune.db.test_evaluations import (
    GateEvaluation,
    Reference,
    load_reference,
    load_test_evaluations,
    save_reference,
    save_test_evaluation,
)

EVALUATION = GateEvaluation(
    looked_at="2026-11-20T21:00:00Z",
    decision="nightly",
    model="hand-weighted",
    split="user-time",
    objective="accuracy",
    data_fingerprint="d" * 64,
    experiment_id=None,
    level=0.05,
    difference=-0.001,
    p_value=0.7,
    verdict="cannot tell",
)


def test_a_look_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        assert (save_test_evaluation(conn, EVALUATION), save_test_evaluation(conn, EVALUATION)) == (
            1,
            2,
        )
        assert load_test_evaluations(conn) == [EVALUATION, EVALUATION]


@pytest.mark.parametrize("statement", ["UPDATE test_looks SET level = 0", "DELETE FROM test_looks"])
def test_a_look_is_never_taken_back(tmp_path: Path, statement: str) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        save_test_evaluation(conn, EVALUATION)
        with pytest.raises(Exception, match="append-only"):
            conn.execute(statement)


def test_a_reference_is_read_back_to_the_bit(world: Path) -> None:
    reference = Reference(1_700_000_000, np.array([3, 9, 2**40]), np.array([0.1, 1 / 3, 1.0]))
    with connection(world) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        save_reference(conn, 1, "accuracy", reference)
        found = load_reference(conn, 1, "accuracy")
        assert load_reference(conn, 1, "mrr") is None
    assert found is not None
    assert found.newest_rated_at == reference.newest_rated_at
    assert found.user_ids.tobytes() == reference.user_ids.tobytes()
    assert found.values.tobytes() == reference.values.tobytes()
