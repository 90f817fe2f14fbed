"""A user who is erased is in no table, no model that is kept, no cache and no byte of the file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from reeltune.commands.main import main
from reeltune.db.backup import save_backup
from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.doctor import verify_versions
from reeltune.db.erasures import load_erasures, load_version_erasures
from reeltune.db.external_ids import find_id
from reeltune.db.imports import load_rejected_rows
from reeltune.db.ratings import count_ratings
from reeltune.db.sources import load_sources
from reeltune.db.test_evaluations import load_reference
from reeltune.db.versions import database_path, load_production
from reeltune.domain.errors import NotFoundError
from reeltune.storage.run_lock import holder_path
from reeltune.versioning import erasure
from reeltune.versioning.erasure import foresee
from reeltune.versioning.news import changes_since
from reeltune.versioning.refits import refit
from reeltune.versioning.registry import load_model
from tests.running import ROOT, environment
from tests.versioning.erased import (
    ANNA,
    contents,
    erased,
    number_of,
    traces,
)


@pytest.mark.parametrize("models", ["refit", "drop"])
def test_no_byte_of_the_id_is_left_in_any_file(path: Path, models: str) -> None:
    number = number_of(path)
    before = traces(path.parent, number)
    kinds = {name.partition("/")[0] for name in before}
    assert kinds == {"movies.db", "movies.versions", "movies.cache"}
    erased(path, models=models)
    assert traces(path.parent, number) == []
    with connection(path) as conn:
        assert verify_versions(conn) == []


def test_no_byte_is_left_of_what_was_deleted_by_hand_before(path: Path) -> None:
    number = number_of(path)
    with connection(path) as conn, transaction(conn):
        conn.execute(f"DELETE FROM ratings WHERE user_id = {number}")
    erased(path)
    assert traces(path.parent, number) == []


def test_the_proof_counts_what_was_removed_and_names_nobody(path: Path) -> None:
    number = number_of(path)
    with connection(path) as conn:
        n = count_ratings(conn)
        save_backup(path, path.with_name("kept"))
    proof = erased(path)
    said = proof.as_dict()
    assert said["removed"]["ratings"] == 20
    assert said["removed"]["external_ids"] == said["removed"]["sources"] == 1
    assert said["removed"]["rejected_rows"] == 1
    assert said["removed"]["models"] == 2
    assert [each["action"] for each in said["models"]] == ["refitted", "refitted"]
    assert [(each["kind"], each["path"]) for each in said["still_held_by"]] == [
        ("backup", str(path.with_name("kept")))
    ]
    assert ANNA not in json.dumps(said)
    assert str(number) not in json.dumps(said)
    with connection(path) as conn:
        assert count_ratings(conn) == n - 20
        assert [source.name for source in load_sources(conn)] == ["all"]
        assert [row.line for row in load_rejected_rows(conn, "late.csv")] == [3]


def test_values_per_user_of_others_stay_in_their_order(path: Path) -> None:
    query = 'SELECT experiment_id, "values" AS v FROM hp_user_values'
    with connection(path) as conn, transaction(conn):
        number = find_id(conn, "user", ANNA)
        # As if nothing had changed since the run.
        conn.execute(
            "UPDATE hp_tuning_runs SET data_fingerprint = :now",
            {"now": load_dataset(conn).fingerprint},
        )
    with connection(path) as conn:
        users = load_dataset(conn).ratings.user_ids
        before = {row[0]: np.frombuffer(row["v"]) for row in conn.execute(query)}
        reference = load_reference(conn, 1, "accuracy")
    erased(path)
    with connection(path) as conn:
        after = {row[0]: np.frombuffer(row["v"]) for row in conn.execute(query)}
        shorter = load_reference(conn, 1, "accuracy")
    assert before
    assert after.keys() == before.keys()
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values[users != number])
    assert reference is not None
    assert shorter is not None
    stays = reference.user_ids != number
    assert not stays.all()
    np.testing.assert_array_equal(shorter.user_ids, reference.user_ids[stays])
    np.testing.assert_array_equal(shorter.values, reference.values[stays])


def test_values_of_other_data_go_since_nobody_knows_whose_they_are(path: Path) -> None:
    erased(path)  # a rating was changed since the run
    with connection(path) as conn:
        assert conn.execute("SELECT count(*) FROM hp_user_values").fetchone()[0] == 0
        groups = "SELECT count(gains_by_group) FROM hp_experiments"
        assert conn.execute(groups).fetchone()[0] == 0


def test_what_is_new_is_still_counted_by_the_log(path: Path) -> None:
    erased(path)
    with connection(path) as conn:
        production = load_production(conn)
        assert production is not None
        found = changes_since(conn, 2, production.training, load_dataset(conn))
    assert found is not None
    assert (found.inserted, found.changed, found.deleted) == (0, 0, 20)


def test_a_dry_run_changes_nothing_and_says_what_would_be(path: Path) -> None:
    with connection(path) as conn:
        load_dataset(conn)  # keeps a copy, as any reader does
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = contents(path.parent)
        proof = foresee(conn, ANNA, models="drop")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert contents(path.parent) == before
        assert load_erasures(conn) == []
    said, done = proof.as_dict(), erased(path, models="drop").as_dict()
    for name in ("ratings", "hp_user_values", "version_references", "external_ids"):
        assert said["removed"][name] == done["removed"][name] > 0
    assert [each["action"] for each in said["models"]] == ["dropped", "refitted"]


def test_an_unknown_user_is_an_error_and_an_erased_one_is_not(path: Path) -> None:
    with pytest.raises(NotFoundError):
        erased(path, "nobody")
    first, again = erased(path), erased(path)
    assert first.erasure == again.erasure


def test_nobody_else_is_told_who_is_erased(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def look(*args: Any) -> Any:
        seen.append(holder_path(path).read_text())
        return refit(*args)

    monkeypatch.setattr(erasure, "refit", look)
    words = ["erase", "user", ANNA, "--quiet", "--db", str(path)]
    monkeypatch.setattr(sys, "argv", ["reeltune", *words])
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert len(seen) == 1
    assert ANNA not in seen[0]
    assert traces(path.parent, 2**63 - 1) == []


KILL = """
import os, signal, sys
from pathlib import Path
from reeltune.db.connection import connection
from reeltune.versioning import erasure
place, path, user = sys.argv[1:]
def die(*args, **settings): os.kill(os.getpid(), signal.SIGKILL)
setattr(erasure, place, die)
with connection(Path(path)) as conn: erasure.erase(conn, user)
"""
PLACES = (
    "erase_rows",
    "save_artifact",
    "set_removed",
    "export_deployed",
    "wait_for_readers",
    "remove_artifact",
    "rewrite",
    "stamp",
)


@pytest.mark.parametrize("place", PLACES)
def test_an_erasure_that_is_killed_goes_on_when_asked_for_again(path: Path, place: str) -> None:
    number = number_of(path)
    with connection(path) as conn:
        n = count_ratings(conn)
    words = [sys.executable, "-c", KILL, place, str(path), ANNA]
    done = subprocess.run(words, cwd=ROOT, env=environment(), check=False)
    assert done.returncode == -9
    with connection(path) as conn:
        is_gone = count_ratings(conn) == n - 20
        pending = [fault for fault in verify_versions(conn) if fault.subject.startswith("erasure")]
        assert count_ratings(conn) in (n, n - 20)
        assert len(pending) == is_gone
        assert len(load_version_erasures(conn)) == 2 * is_gone
        assert load_model(conn).version.version == 2
    proof = erased(path)
    assert proof.erasure.removed["ratings"] == 20
    assert proof.erasure.finished_at is not None
    assert len(proof.versions) == 2
    assert traces(path.parent, number) == []
    with connection(path) as conn:
        assert verify_versions(conn) == []
        assert database_path(conn) == path
    names = [each.name for each in path.parent.iterdir()]
    assert not any(name.endswith(".unfinished") for name in names)
