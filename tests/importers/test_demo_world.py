import numpy as np
import pytest

from reeltune.importers.demo_genres import GENRES, draw_genres
from reeltune.importers.demo_settings import TRUE_WEIGHTS, DemoSettings
from reeltune.importers.demo_world import DemoWorld, make_world


@pytest.fixture(scope="module")
def world() -> DemoWorld:
    return make_world(DemoSettings())


def test_no_two_titles_are_alike(world: DemoWorld) -> None:
    assert len(set(world.titles)) == len(world.titles) == 3000


def test_titles_are_filed_as_movielens_files_them(world: DemoWorld) -> None:
    years = [f"({year})" for year in world.works.years]
    assert all(title.endswith(year) for title, year in zip(world.titles, years, strict=True))
    assert not any(title.startswith(("The ", "A ", "An ")) for title in world.titles)


def test_parts_of_a_franchise_share_its_name_and_come_out_in_order(world: DemoWorld) -> None:
    works = world.works
    for franchise in range(works.n_franchises):
        movies = np.flatnonzero(works.of_movie == franchise)
        movies = movies[np.argsort(works.part[movies])]
        name = world.collection_names[franchise].removesuffix(" Collection")
        for article in ("The ", "A ", "An "):
            name = name.removeprefix(article)
        assert len(movies) >= 2
        assert all(world.titles[movie].startswith(name) for movie in movies)
        assert np.all(np.diff(works.released[movies]) > 0)
        assert len(np.unique(world.genres[movies], axis=0)) == 1


def test_about_a_seventh_of_the_movies_is_in_a_franchise(world: DemoWorld) -> None:
    assert np.mean(world.works.collections >= 0) == pytest.approx(0.15, abs=0.01)


def test_most_movies_have_a_cast_and_some_have_nothing(world: DemoWorld) -> None:
    sizes = np.diff(world.cast.starts)
    assert np.mean(sizes > 0) == pytest.approx(0.7, abs=0.01)
    assert sizes.max() <= 25
    assert 0.005 < np.mean(~world.genres.any(axis=1)) < 0.04


def test_nobody_is_twice_in_a_movie(world: DemoWorld) -> None:
    entries = np.stack([world.cast.movies, world.cast.people])
    assert np.unique(entries, axis=1).shape == entries.shape


def test_some_people_are_in_many_movies_and_many_in_few(world: DemoWorld) -> None:
    roles = np.bincount(world.cast.people)
    roles = np.sort(roles[roles > 0])
    assert roles[-1] > 100
    assert np.median(roles) < 20


def test_sequels_bring_the_first_cast_back(world: DemoWorld) -> None:
    starts, people, firsts = world.cast.starts, world.cast.people, world.works.firsts
    sequels = np.flatnonzero((firsts != np.arange(len(firsts))) & (np.diff(starts) > 0))
    sequels = sequels[np.diff(starts)[firsts[sequels]] > 0]
    shared = [
        np.isin(people[starts[m] : starts[m + 1]], people[starts[f] : starts[f + 1]]).sum()
        for m, f in zip(sequels, firsts[sequels], strict=True)
    ]
    assert np.mean(shared) > 2


def test_careers_end(world: DemoWorld) -> None:
    years = world.works.years[world.cast.movies]
    spans = [
        np.ptp(years[world.cast.people == person])
        for person in np.argsort(-np.bincount(world.cast.people))[:200]
    ]
    assert max(spans) <= 62


def test_genres_go_together_as_one_expects() -> None:
    genres, _ = draw_genres(np.random.default_rng(0), 20_000)
    shares = genres.mean(axis=0)

    def lift(one: str, other: str) -> float:
        a, b = GENRES.index(one), GENRES.index(other)
        return float(np.mean(genres[:, a] & genres[:, b]) / (shares[a] * shares[b]))

    assert shares.argmax() == GENRES.index("Drama")
    assert lift("Animation", "Children") > 2
    assert lift("Horror", "Romance") < 0.7


def test_enough_movies_are_out_before_the_first_rating(world: DemoWorld) -> None:
    assert np.mean(world.works.years < 2014) > 0.6


def test_popularity_has_a_long_tail(world: DemoWorld) -> None:
    falling = np.sort(world.popularity)[::-1]
    assert falling.sum() == pytest.approx(1.0)
    assert falling[:300].sum() > 0.4  # a tenth of the movies
    assert falling[1500:].sum() < 0.1


def test_each_part_of_liking_has_its_true_weight(world: DemoWorld) -> None:
    variances = world.popularity @ (world.traits - world.popularity @ world.traits) ** 2
    genre, cast, franchise = np.split(variances, [len(GENRES), len(GENRES) + 5])
    assert np.sqrt(genre.sum()) == pytest.approx(TRUE_WEIGHTS["genre"])
    assert np.sqrt(cast.sum()) == pytest.approx(TRUE_WEIGHTS["cast"])
    assert np.sqrt(franchise.sum()) == pytest.approx(TRUE_WEIGHTS["franchise"])
