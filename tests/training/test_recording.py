"""Epochs of a fit: collected, kept with its version, shown."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from reeltune.commands.versions import model_versioning
from reeltune.db.connection import connect
from reeltune.db.training_epochs import load_training_epochs
from reeltune.training.epoch import Epoch
from reeltune.training.listeners import listening, tell_listeners
from reeltune.training.recording import RecordedEpoch, recording
from reeltune.versioning.registry import register
from tests.versioning.versions import CATALOGUE, RATINGS, Constant, training


def epoch(number: int, loss: float = 1.0, *, is_best: bool = True, actions: str = "") -> Epoch:
    return Epoch(
        number=number,
        loss=loss,
        validation=loss / 2,
        is_best=is_best,
        learning_rate=0.01,
        l2=0.0,
        gradient_norm=loss,
        max_gradient_norm=3.0,
        seconds=0.5,
        memory_bytes=2**20,
        chunk_size=64,
        actions=(actions,) if actions else (),
    )


def test_a_fit_of_several_trainings_is_recorded_in_order() -> None:
    with recording() as recorded:
        for name, number in (("a", 1), ("a", 2), ("a", 1), ("b", 1), ("b", 2)):
            assert not tell_listeners(name, epoch(number))
    tell_listeners("c", epoch(1))
    found = [(each.training, each.name, each.epoch.number) for each in recorded]
    assert found == [(1, "a", 1), (1, "a", 2), (2, "a", 1), (3, "b", 1), (3, "b", 2)]


def test_every_listener_is_told_whichever_stops() -> None:
    with recording() as first, listening(lambda _name, _epoch: True), recording() as last:
        assert tell_listeners("a", epoch(1))
    assert len(first) == len(last) == 1


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, list[RecordedEpoch]]:
    """A version with the epochs of its fit."""
    recorded = [
        RecordedEpoch(1, "net", epoch(1)),
        RecordedEpoch(1, "net", epoch(2, math.nan, is_best=False, actions="not finite: restored")),
        RecordedEpoch(2, "net", epoch(1, 0.75)),
    ]
    conn = connect(tmp_path / "movies.db", create=True)
    model = Constant({"level": 1}).fit(RATINGS, CATALOGUE)
    register(conn, training(), model, RATINGS, {}, "test", epochs=recorded)
    register(conn, training(2), Constant({"level": 2}).fit(RATINGS, CATALOGUE), RATINGS, {}, "test")
    return tmp_path / "movies.db", recorded


def test_epochs_are_kept_with_their_version(kept: tuple[Path, list[RecordedEpoch]]) -> None:
    path, recorded = kept
    found = load_training_epochs(connect(path), 1)
    assert repr(found) == repr(recorded)  # NaN is not equal to itself
    assert load_training_epochs(connect(path), 2) == []


def test_show_has_the_epochs(kept: tuple[Path, list[RecordedEpoch]]) -> None:
    words = ["show", "1", "--db", str(kept[0])]
    shown = CliRunner().invoke(model_versioning, words).output
    assert "Training of net, 2 epochs" in shown
    assert "Training of net, 1 epochs" in shown
    (first, second, third) = json.loads(
        CliRunner().invoke(model_versioning, [*words, "--json"]).output
    )["epochs"]
    assert (first["training"], first["loss"], first["is_best"]) == (1, 1.0, True)
    assert (second["loss"], second["actions"]) == (None, ["not finite: restored"])
    assert third["training"] == 2
    other = CliRunner().invoke(model_versioning, ["show", "2", "--db", str(kept[0])]).output
    assert "Training of" not in other


def test_a_training_that_is_not_finite_is_null_in_the_table(
    kept: tuple[Path, list[RecordedEpoch]],
) -> None:
    conn = connect(kept[0])
    rows = conn.execute("SELECT loss, gradient_norm FROM training_epochs WHERE epoch = 2")
    assert [tuple(row) for row in rows.fetchall()] == [(None, None)]
    assert np.isnan(load_training_epochs(conn, 1)[1].epoch.loss)
