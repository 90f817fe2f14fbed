from pathlib import Path

import pytest

from reeltune.db.catalogue import load_catalogue, load_coverage
from reeltune.db.connection import Connection
from reeltune.db.imports import load_rejected_rows
from reeltune.db.ratings import load_ratings
from reeltune.importers.counts import SAME, FileReport
from reeltune.importers.tmdb import WRONG_LINK
from tests.bundle import bundle
from tests.importers.imports import dump, fresh, import_all, select

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def imported(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Connection, dict[str, FileReport]]:
    conn = fresh(tmp_path_factory.mktemp("bundle"))
    return conn, import_all(conn, bundle(), tmdb=True)


Imported = tuple[Connection, dict[str, FileReport]]


def test_every_row_of_the_bundle_is_accounted_for(imported: Imported) -> None:
    _, reports = imported
    assert {name: (report.read, report.rejected) for name, report in reports.items()} == {
        "movies.csv": (9742, {}),
        "links.csv": (9742, {}),
        "ratings.csv": (100_836, {}),
        "movies_metadata.csv": (
            9559,
            {
                SAME.format("film"): 10,
                "title is empty": 3,
                "id is not a positive whole number": 3,
                WRONG_LINK: 2,
            },
        ),
        "credits.csv": (3534, {SAME.format("film"): 4}),
    }
    assert not any(report.skipped for report in reports.values())


def test_the_six_torn_rows_are_recorded_with_their_lines(imported: Imported) -> None:
    conn, _ = imported
    torn = {
        row.line
        for row in load_rejected_rows(conn, "movies_metadata.csv.gz")
        if row.reason in ("title is empty", "id is not a positive whole number")
    }
    assert torn == {8003, 8004, 8825, 8826, 9166, 9167}


def test_what_is_loaded_is_the_whole_bundle(imported: Imported) -> None:
    conn, _ = imported
    table, catalogue = load_ratings(conn), load_catalogue(conn)
    assert (len(table), table.n_users, table.n_movies) == (100_836, 610, 9742)
    assert len(catalogue.genre_names) == 19
    assert len(catalogue.collection_ids) == 899
    coverage = load_coverage(conn)
    assert (coverage.with_collection, coverage.with_cast) == (1859, 3527)


def test_the_two_links_known_to_be_wrong_are_found_and_no_other(imported: Imported) -> None:
    conn, _ = imported
    wrong = "SELECT movie_id FROM movies WHERE wrong_tmdb_link = 1 ORDER BY 1"
    assert select(conn, wrong) == [(2894,), (4484,)]


def test_both_movies_of_one_tmdb_film_have_its_cast(imported: Imported) -> None:
    conn, _ = imported
    cast = "SELECT count(*) FROM cast_members WHERE movie_id = "
    assert select(conn, cast + "6003") == select(conn, cast + "144606") != [(0,)]


def test_names_of_people_have_no_spaces_around_them(imported: Imported) -> None:
    conn, _ = imported
    assert select(conn, "SELECT count(*) FROM people WHERE name <> trim(name)") == [(0,)]


def test_importing_the_bundle_again_changes_nothing(imported: Imported, tmp_path: Path) -> None:
    conn, _ = imported
    before = dump(conn)
    import_all(conn, bundle(), tmdb=True)
    assert dump(conn) == before
