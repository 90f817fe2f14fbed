import numpy as np
import pytest

from reeltune.monitoring.drift import Drift, Windows, find_drift, stability_index
from reeltune.ratings.dataset import Dataset
from tests.metrics.small_data import Row, catalogue_of, table_of

MOVIES = list(range(1, 61))
GENRES = [[movie % 3] for movie in MOVIES]
SINCE = 10_000


def rows(
    rng: np.random.Generator, n_users: int, start: int, *, first: int = 1, stars: float = 3.5
) -> list[Row]:
    """15 ratings by each of some users, each with a profile of their own."""
    found: list[Row] = []
    for user in range(first, first + n_users):
        own = stars + rng.normal(0, 0.7)
        for movie in rng.permutation(MOVIES)[:15]:
            rating = float(np.clip(np.rint(2 * (own + rng.normal())) / 2, 0.5, 5))
            found.append((user, int(movie), rating, start + int(rng.integers(1, 9_000))))
    return found


def drift(after: list[Row], seed: int = 0) -> dict[str, Drift]:
    before = rows(np.random.default_rng(100 + seed), 60, 0)
    data = Dataset(table_of(before + after, MOVIES), catalogue_of(MOVIES, GENRES))
    return {each.name: each for each in find_drift(data, SINCE)}


def later(seed: int = 0, **how: float) -> list[Row]:
    return rows(np.random.default_rng(seed), 40, SINCE, first=1_000, **how)


def test_the_index_by_hand() -> None:
    index = float(stability_index(np.array([99.5, 299.5]), np.array([199.5, 199.5])))
    p, q = np.array([0.25, 0.75]), np.array([0.5, 0.5])
    assert index == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=1e-3)


def test_more_of_the_same_has_not_drifted() -> None:
    found = drift(later())
    assert set(found) == {"ratings", "genres", "new movies", "new users"}
    assert not found["ratings"].drifted
    assert not found["genres"].drifted
    assert not found["new movies"].drifted


def test_lower_ratings_have_drifted_and_the_genres_not() -> None:
    found = drift(later(stars=2.0))
    assert found["ratings"].drifted
    assert found["ratings"].index > found["ratings"].by_chance
    assert not found["genres"].drifted


def test_lower_ratings_by_the_same_users_have_drifted_and_equal_ones_not() -> None:
    same, lower = (
        rows(np.random.default_rng(7), 60, SINCE, first=1, stars=stars) for stars in (3.5, 2.0)
    )
    assert drift(lower)["ratings"].drifted
    assert 0.001 < drift(same)["ratings"].p_value < 1


def test_ratings_of_one_genre_only_have_drifted() -> None:
    found = drift([row for row in later() if row[1] % 3 == 1])
    assert found["genres"].drifted
    assert found["genres"].most_changed == "Comedy"
    assert found["genres"].share_after > 0.9
    assert not found["ratings"].drifted


def test_many_ratings_by_one_user_are_one_user() -> None:
    """Were the ratings independent, this would be far beyond chance; one user's profile is not."""
    after: list[Row] = [(7_000, movie, 5.0, SINCE + movie) for movie in MOVIES]
    found = drift(after + later()[:60])
    assert found["ratings"].index > 0.5
    assert not found["ratings"].drifted


def test_chance_alone_drifts_as_seldom_as_stated() -> None:
    found = [drift(later(seed), seed) for seed in range(20)]
    p_values = np.array([each[name].p_value for each in found for name in ("ratings", "genres")])
    assert not any(each[name].drifted for each in found for name in ("ratings", "genres"))
    assert np.count_nonzero(p_values <= 0.05) <= 7  # of 40, 2 are expected


def test_too_few_ratings_cannot_tell() -> None:
    found = drift(later()[:99])
    assert all(np.isnan(each.index) and not each.drifted for each in found.values())
    assert all(np.isnan(each.index) for each in drift([]).values())


def test_as_many_ratings_before_are_the_latest_before() -> None:
    table = table_of([(1, movie, 3.0, movie) for movie in MOVIES], MOVIES)
    windows = Windows.of(table, since=50)
    assert sorted(windows.after.rated_at) == list(range(51, 61))
    assert sorted(windows.before.rated_at) == list(range(41, 51))


def test_of_very_many_new_ratings_the_latest_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reeltune.monitoring.drift.MAX_WINDOW_RATINGS", 5)
    table = table_of([(1, movie, 3.0, movie) for movie in MOVIES], MOVIES)
    windows = Windows.of(table, since=50)
    assert sorted(windows.after.rated_at) == list(range(56, 61))
    assert sorted(windows.before.rated_at) == list(range(46, 51))
