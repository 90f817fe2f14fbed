"""`reeltune erase` and `reeltune withdraw`, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.ratings import count_ratings
from tests.running import run


@pytest.fixture
def deployed(world: Path) -> Path:
    """A world with a version in production."""
    run("retrain_model.py", "--accuracy-threshold", "0", "--quiet", "--db", world)
    return world


def reeltune(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words], prog_name="reeltune")
    assert done.exit_code == expect, f"{words}\n{done.output}\n{done.exception!r}"
    return done


def said(*words: str | Path, expect: int = 0) -> Any:
    return json.loads(reeltune(*words, "--json", expect=expect).stdout)


def n_ratings(path: Path) -> int:
    with connection(path) as conn:
        return count_ratings(conn)


def test_a_user_is_erased_and_the_account_lies_beside_the_database(deployed: Path) -> None:
    before = n_ratings(deployed)
    planned = said("erase", "user", "7", "--dry-run", "--db", deployed)
    assert n_ratings(deployed) == before
    assert not deployed.with_name("movies.erasure-1.json").exists()
    done = said("erase", "user", "7", "--db", deployed)
    assert done == json.loads(deployed.with_name("movies.erasure-1.json").read_text())
    assert done["removed"]["ratings"] == planned["removed"]["ratings"]
    assert n_ratings(deployed) == before - done["removed"]["ratings"]
    (listed,) = said("erase", "list", "--db", deployed)
    assert listed["user_hash"] == done["user_hash"]
    assert not listed["readmitted_at"]
    for words in (("versions", "show", "--user", "7"), ("recommend", "7")):
        refused = reeltune(*words, "--db", deployed, expect=1)
        assert refused.stderr.startswith("error: user 7 was erased: nothing is recommended")
        assert len(refused.stderr.splitlines()) == 1


def test_who_has_no_ratings_is_served_by_recommend_alone(deployed: Path) -> None:
    stranger = reeltune("versions", "show", "--user", "12345", "--db", deployed, expect=1)
    (line,) = stranger.stderr.splitlines()
    assert line.startswith("error: user 12345 has no ratings")
    assert "`reeltune recommend 12345`" in line
    found = said("recommend", "12345", "--db", deployed)
    assert found["because"] == "no ratings yet: popular and varied"
    assert len(found["items"]) == 10


def test_show_and_verify_say_that_the_version_cannot_be_reproduced(deployed: Path) -> None:
    assert "erasures" not in said("versions", "show", "--db", deployed)
    assert "notes" not in said("versions", "verify", "--db", deployed)
    reeltune("erase", "user", "7", "--db", deployed)
    (note,) = said("versions", "show", "--db", deployed)["erasures"]
    assert "no longer be reproduced" in note["said"]
    assert "no longer be reproduced" in reeltune("versions", "show", "--db", deployed).stdout
    found = said("versions", "verify", "--db", deployed)
    assert found["ok"]
    assert "no longer be reproduced" in found["notes"][0]
    changed = said("versions", "reproduce", "1", "--db", deployed, expect=1)["changed"]
    assert "no longer be reproduced" in changed[0]


def test_a_backup_that_holds_the_user_is_named_wherever_it_lies(
    deployed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = tmp_path_factory.mktemp("far") / "kept"
    reeltune("db", "backup", far, "--db", deployed)
    reeltune("db", "backup", deployed.with_name("near"), "--db", deployed)
    done = reeltune("erase", "user", "7", "--backups", far.parent, "--db", deployed)
    for place in (far, deployed.with_name("near")):
        assert f"backup {str(place)!r}" in done.stderr
    without = n_ratings(deployed)
    reeltune("db", "restore", far, "--force", "--db", deployed)
    listed = said("erase", "list", "--db", deployed)  # whom the backup holds is erased again
    assert len({each["user_hash"] for each in listed}) == 1
    assert n_ratings(deployed) == without


def test_who_is_not_there_cannot_be_erased_and_who_was_not_erased_not_readmitted(
    deployed: Path,
) -> None:
    assert (
        "nothing was erased"
        in reeltune("erase", "user", "99999", "--db", deployed, expect=1).output
    )
    reeltune("erase", "readmit", "7", "--db", deployed, expect=1)
    reeltune("erase", "ratings", "7", "--quiet", "--db", deployed)
    reeltune("erase", "readmit", "7", "--db", deployed)
    reeltune("erase", "readmit", "7", "--db", deployed, expect=1)


def test_an_account_that_cannot_be_written_is_told_and_can_be_had_again(deployed: Path) -> None:
    nowhere = deployed.with_name("no") / "proof.json"
    words = ("erase", "user", "7", "--db", deployed, "--proof")
    assert "run this again" in reeltune(*words, nowhere, expect=1).output
    proof = deployed.with_name("proof.json")
    reeltune(*words, proof)
    assert json.loads(proof.read_text())["removed"]["models"] == 1


def best(path: Path) -> list[int]:
    found = said("versions", "show", "--user", "1", "--db", path)["recommendations"]
    return [each["movie_id"] for each in found]


def test_a_withdrawn_movie_is_recommended_no_longer_and_its_ratings_stay(deployed: Path) -> None:
    before, n = best(deployed), n_ratings(deployed)
    first = str(before[0])
    done = said("withdraw", "movie", first, "--reason", "rights ended", "--db", deployed)
    assert done == {"movie": first, "withdrawn": True, "changed": True}
    after = best(deployed)
    assert after[:9] == before[1:]
    assert len(after) == 10
    assert n_ratings(deployed) == n
    (listed,) = said("withdraw", "list", "--db", deployed)
    assert (listed["movie_id"], listed["reason"]) == (before[0], "rights ended")
    assert not said("withdraw", "movie", first, "--db", deployed)["changed"]
    reeltune("withdraw", "movie", first, "--undo", "--db", deployed)
    assert best(deployed) == before
    assert said("withdraw", "list", "--db", deployed) == []


def test_withdrawn_movies_are_listed_as_their_source_writes_them(tmp_path: Path) -> None:
    films, path = tmp_path / "films.csv", tmp_path / "movies.db"
    films.write_text("movie_id,title\n007,Dr. No\nb1e2-a,Heat\n", encoding="utf-8")
    words = ("--movie", "movie_id", "--title", "title", "--db", path)
    reeltune("import", "table", films, *words)
    for movie in ("007", "b1e2-a"):
        reeltune("withdraw", "movie", movie, "--db", path)
        assert movie in reeltune("withdraw", "list", "--db", path).stdout.split()
    listed = said("withdraw", "list", "--db", path)
    assert {each["movie_id"] for each in listed} == {"007", "b1e2-a"}


@pytest.mark.parametrize("movie", ["999999", "no such", "9999999999999999999999"])
def test_a_movie_that_is_not_there_cannot_be_withdrawn(deployed: Path, movie: str) -> None:
    for undo in ((), ("--undo",)):
        words = ("withdraw", "movie", movie, *undo, "--db", deployed)
        assert reeltune(*words, expect=1).output.startswith("error: there is no movie")
