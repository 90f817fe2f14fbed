"""A user who is erased is in no table, no model that is kept, no cache and no byte of the file."""

import json
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from reeltune.cli.console import progress_bar, remark_console
from reeltune.commands.main import main
from reeltune.db import dataset
from reeltune.db.backup import save_backup
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.doctor import verify_versions
from reeltune.db.erasures import load_erasures, load_tombstones, load_version_erasures
from reeltune.db.external_ids import find_id
from reeltune.db.imports import RejectedRow, load_rejected_rows, save_rejected_rows, start_batch
from reeltune.db.ratings import count_ratings
from reeltune.db.sources import load_sources, save_source
from reeltune.db.test_evaluations import load_reference
from reeltune.db.versions import database_path, load_production, load_version
from reeltune.domain.errors import BusyError, InputError, NotFoundError, StorageError
from reeltune.domain.study import StudyConfig
from reeltune.importers.layouts import find_movielens
from reeltune.importers.movielens import import_movielens
from reeltune.importers.table import import_table
from reeltune.rating_models.registry import model_class
from reeltune.storage.artifacts import artifacts_directory, users_of
from reeltune.storage.run_lock import holder_path, run_lock
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.versioning import erasure
from reeltune.versioning.erasure import Proof, erase, foresee, readmit
from reeltune.versioning.news import changes_since
from reeltune.versioning.recommendations import recommend_for
from reeltune.versioning.refits import refit
from reeltune.versioning.registry import load_model, rollback
from reeltune.versioning.reproduction import reproduce
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.running import ROOT, environment

ANNA = "anna-7f1c9d@example.org"


def frames(n_users: int = 40, n_movies: int = 40) -> dict[str, pd.DataFrame]:
    """Return films and ratings; Anna is the third user."""
    dice = np.random.default_rng(7)
    users = ["u-1", "u-2", ANNA, *(f"u-{k}" for k in range(4, n_users + 1))]
    rows = [
        (user, f"m-{movie}", float(dice.integers(1, 11)) / 2, 1_600_000_000 + 864_000 * k)
        for user in users
        for k, movie in enumerate(dice.permutation(n_movies)[:20].tolist())
    ]
    films = pd.DataFrame({"movie": [f"m-{k}" for k in range(n_movies)]})
    films["title"] = [f"Film {k}" for k in range(n_movies)]
    return {
        "movies": films,
        "ratings": pd.DataFrame(rows, columns=["user", "movie", "stars", "at"]),
    }


def mapping() -> dict[str, Any]:
    return {
        "movies": {"table": "movies", "movie": "movie", "title": "title"},
        "ratings": {
            "table": "ratings",
            "user": "user",
            "movie": "movie",
            "rating": "stars",
            "time": "at",
            "scale": "0.5-5",
        },
    }


def bring_in(conn: Connection, found: Mapping[str, pd.DataFrame] | None = None) -> None:
    import_table(conn, dict(found or frames()), mapping(), max_rejected=1.0)


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a run, two versions, a copy of the data, and a rejected row of Anna's."""
    path = tmp_path_factory.mktemp("lived_in") / "movies.db"
    with pytest.MonkeyPatch.context() as patch, connection(path, create=True) as conn:
        patch.setattr(dataset, "WORTH_KEEPING", 1)
        bring_in(conn)
        study = StudyConfig(seed=1)
        TuningOrchestrator(conn, load_dataset(conn), study).run_full_tuning("random", 3)
        for values in (None, other_hyperparameters()):
            request = RetrainingRequest(
                study=study, hyperparameters=values, force=True, accuracy_threshold=0.0
            )
            assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
        with transaction(conn):
            batch = start_batch(conn, "table", "late.csv", "0" * 64)
            said = f"user {ANNA}, movie m-77, rating 3 at 5"
            save_rejected_rows(conn, batch, [RejectedRow(3, "no such movie", said)])
            save_source(conn, "hers", "/x", {"ratings": [{"one_user": ANNA}]}, 0.1)
            save_source(conn, "all", "/y", {"ratings": [{"user": "user"}]}, 0.1)
            number = find_id(conn, "user", ANNA)
            conn.execute(f"UPDATE ratings SET rating = 3.5 WHERE user_id = {number}")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def other_hyperparameters() -> dict[str, Any]:
    return model_class("hand-weighted").space.defaults() | {
        "popularity_rating_weight": 0.5,
        "popularity_count_weight": 0.5,
    }


@pytest.fixture
def path(lived_in: Path, tmp_path: Path) -> Path:
    """A copy of it, with all that lies beside it."""
    subprocess.run(["cp", "-a", f"{lived_in.parent}/.", tmp_path], check=True)
    return tmp_path / "movies.db"


def erased(path: Path, user: str = ANNA, **settings: Any) -> Proof:
    with run_lock(path), connection(path) as conn:
        return erase(conn, user, **settings)


def traces(directory: Path, number: int, name: str = ANNA) -> list[str]:
    """Return the files that have the bytes of the id, as text or as a number of either order."""
    wanted = (name.encode(), struct.pack(">q", number), struct.pack("<q", number))
    files = [each for each in directory.rglob("*") if each.is_file()]
    return [
        str(f.relative_to(directory)) for f in files if any(w in f.read_bytes() for w in wanted)
    ]


def contents(directory: Path) -> dict[str, bytes]:
    files = (each for each in directory.rglob("*") if each.is_file())
    return {str(f): f.read_bytes() for f in files if not f.name.endswith(("-wal", "-shm"))}


def number_of(path: Path) -> int:
    with connection(path) as conn:
        found = find_id(conn, "user", ANNA)
    assert found is not None
    return found


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


def test_refitted_models_are_those_of_the_data_without_the_user(path: Path) -> None:
    erased(path)
    with connection(path) as conn:
        data = load_dataset(conn)
        for number in (1, 2):
            loaded = load_model(conn, number)
            values = loaded.version.training.hyperparameters
            model = model_class("hand-weighted")(values).fit(data.ratings, data.catalogue)
            np.testing.assert_array_equal(
                loaded.model.score(np.arange(5)), model.score(np.arange(5))
            )
        assert recommend_for(conn, load_model(conn), ANNA).source == "popular"
        assert recommend_for(conn, load_model(conn), "u-1").source == "fitted"
        assert rollback(conn, reason="as before") == 1


def test_dropped_models_cannot_be_gone_back_to_and_production_goes_on(path: Path) -> None:
    proof = erased(path, models="drop")
    assert [(each.version, each.action) for each in proof.versions] == [
        (1, "dropped"),
        (2, "refitted"),
    ]
    with connection(path) as conn:
        assert len(recommend_for(conn, load_model(conn), "u-1").movies) == 10
        with pytest.raises(StorageError, match="erased"):
            rollback(conn, reason="as before")
        with pytest.raises(InputError, match="erased"):
            reproduce(conn, 1, restore=True)


def test_lineage_says_that_and_why_the_version_is_not_reproduced(path: Path) -> None:
    with connection(path) as conn:
        original = load_version(conn, 2).artifact_sha256
    erased(path)
    with connection(path) as conn:
        found = reproduce(conn, 2)
    assert not found.identical
    assert found.expected_sha256 == original
    assert "erased" in found.changed[0]
    assert "reproduced to the bit" in found.changed[0]


@pytest.mark.parametrize("kind", ["user", "ratings"])
def test_an_import_of_the_old_rows_brings_nobody_back(path: Path, kind: Any) -> None:
    erased(path, kind=kind)
    with connection(path) as conn:
        n = count_ratings(conn)
        found = frames()
        wrong = found["ratings"].iloc[:1].assign(user=ANNA, stars="nonsense")
        unknown = found["ratings"].iloc[:1].assign(user=ANNA, movie="m-999")
        found["ratings"] = pd.concat([found["ratings"].astype(object), wrong, unknown])
        bring_in(conn, found)
        assert count_ratings(conn) == n
        assert find_id(conn, "user", ANNA) is None
        text = " ".join(row[0] for row in conn.execute("SELECT detail FROM rejected_rows"))
    assert ANNA not in text


def test_ratings_given_after_an_erasure_of_ratings_are_taken(path: Path) -> None:
    erased(path, kind="ratings")
    now = int(time.time())
    fresh = frames()["ratings"].query("user == @ANNA").head(3)
    fresh["at"] = [now + 3600, now - 10, now + 10**8]  # the last is no moment yet
    with connection(path) as conn:
        n = count_ratings(conn)
        bring_in(conn, frames() | {"ratings": fresh})
        assert count_ratings(conn) == n + 1


def test_a_user_who_is_readmitted_comes_back_with_the_next_import(path: Path) -> None:
    erased(path)
    with connection(path) as conn:
        n = count_ratings(conn)
        assert readmit(conn, ANNA)
        assert not readmit(conn, ANNA)
        bring_in(conn)
        assert count_ratings(conn) == n + 20
    erased(path)
    with connection(path) as conn:
        assert count_ratings(conn) == n
        assert load_tombstones(conn)


def test_movielens_files_bring_nobody_back(tmp_path: Path) -> None:
    place = tmp_path / "ml"
    place.mkdir()
    (place / "movies.csv").write_text("movieId,title,genres\n1,One (1990),Drama\n2,Two,Drama\n")
    rows = "userId,movieId,rating,timestamp\n123456789,1,4.0,5\n7,1,4.0,5\n7,2,3.0,6\n"
    (place / "ratings.csv").write_text(rows)
    path = tmp_path / "movies.db"
    bar = progress_bar(remark_console(quiet=True), "")
    with connection(path, create=True) as conn, bar:
        list(import_movielens(conn, find_movielens(place), bar))
    erased(path, "123456789")
    (place / "ratings.csv").write_text(rows + "123456789,2,nonsense,7\n")
    with connection(path) as conn, bar:
        list(import_movielens(conn, find_movielens(place), bar))
        assert count_ratings(conn) == 2
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"123456789" not in path.read_bytes()


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


def test_the_only_user_leaves_no_model(tmp_path: Path) -> None:
    path = tmp_path / "movies.db"
    with connection(path, create=True) as conn:
        found = frames()
        bring_in(conn, found | {"ratings": found["ratings"].query("user == @ANNA")})
        request = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0)
        retrain(conn, load_dataset(conn), request)
    number = number_of(path)
    erased(path)
    assert traces(tmp_path, number) == []


def test_models_that_lie_aside_or_are_named_by_nobody_go_too(path: Path) -> None:
    number = number_of(path)
    some = next(p for p in artifacts_directory(path).iterdir() if users_of(p) is not None)
    aside = path.with_name("movies.db.aside") / "20261127T100000Z-1" / "1"
    aside.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", some, aside], check=True)
    subprocess.run(["cp", "-a", some, some.with_name("0123456789abcdef")], check=True)
    erased(path)
    assert traces(path.parent, number) == []


def test_a_model_that_another_database_needs_stays_and_is_named(path: Path) -> None:
    other = path.with_name("other.db")
    subprocess.run(["cp", "-a", path, other], check=True)
    proof = erased(path)
    kinds = sorted(each.kind for each in proof.left)
    assert kinds == ["database", "model", "model"]


@pytest.mark.parametrize("often", [1, 100])
def test_data_that_change_while_models_are_fitted_are_fitted_to_or_nothing_is_done(
    path: Path, monkeypatch: pytest.MonkeyPatch, often: int
) -> None:
    calls: list[int] = []

    def slowly(*args: Any) -> Any:
        calls.append(1)
        if len(calls) <= often:
            with connection(path) as other, transaction(other):
                other.execute("UPDATE ratings SET rated_at = rated_at + 1")
        return refit(*args)

    monkeypatch.setattr(erasure, "refit", slowly)
    if often > 1:
        with pytest.raises(BusyError):
            erased(path)
        with connection(path) as conn:
            assert find_id(conn, "user", ANNA) is not None
            assert load_erasures(conn) == []
        return
    proof = erased(path)
    with connection(path) as conn:
        fingerprint = load_dataset(conn).fingerprint
    assert {each.data_fingerprint for each in proof.versions} == {fingerprint}


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
