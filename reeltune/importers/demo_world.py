"""Made-up world without its users: works, movies, people, and what truly makes them liked."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.importers.demo_cast import DemoCast, People, draw_cast, draw_people
from reeltune.importers.demo_genres import GENRES, PALETTES, draw_genres
from reeltune.importers.demo_names import TitleMaker, draw_people_names, filed_title
from reeltune.importers.demo_settings import (
    STREAM_MOVIES,
    STREAM_NAMES,
    STREAM_PEOPLE,
    STREAM_WORKS,
    TRUE_WEIGHTS,
    DemoSettings,
    random_stream,
)

N_TASTES = 5  # kinds of people, and of franchises, that a user likes more or less of
_FRANCHISE_SHARE = 0.15  # of movies
_LONGEST_FRANCHISE = 12
_WITHOUT_CAST_SHARE = 0.3  # of movies
_POPULARITY_SPREAD = 2.0  # standard deviation of the logarithm of popularity: the long tail
_YEAR_KNOTS = ([0.0, 0.05, 0.2, 0.5, 0.8, 1.0], [1925.0, 1955.0, 1982.0, 2000.0, 2014.0, 2023.9])


@dataclass(frozen=True, eq=False)
class Works:
    """M movies grouped into works: a franchise is one work, every other movie is one of its own."""

    of_movie: Ints  # (M,) the work
    part: Ints  # (M,) number within the work, 0 first
    released: Floats  # (M,) year and fraction
    n_franchises: int  # works 0 .. n_franchises - 1 are franchises

    @property
    def years(self) -> Ints:
        """Years (M,)."""
        return np.floor(self.released).astype(np.int64)

    @property
    def collections(self) -> Ints:
        """Franchises (M,), -1 for none."""
        return np.where(self.of_movie < self.n_franchises, self.of_movie, -1)

    @property
    def firsts(self) -> Ints:
        """First movies (M,): those that are part 0 of the same work."""
        movies = np.flatnonzero(self.part == 0)
        first_of_work = np.zeros(len(movies), dtype=np.int64)
        first_of_work[self.of_movie[movies]] = movies
        return first_of_work[self.of_movie]


@dataclass(frozen=True, eq=False)
class DemoWorld:
    """All that users choose from. Ids in the database are positions + 1."""

    works: Works
    genres: Bools  # (M, G)
    titles: list[str]  # (M,)
    collection_names: list[str]
    cast: DemoCast
    people_names: list[str]
    released_at: Ints  # (M,) Unix seconds
    popularity: Floats  # (M,) chance of being come across, sums to 1
    merit: Floats  # (M,) what every user likes about a movie alike
    traits: Floats  # (M, D) what a user's D tastes act on; columns are centred


def make_world(settings: DemoSettings) -> DemoWorld:
    """Return the world of these settings, without its users."""
    works_stream = random_stream(settings, STREAM_WORKS)
    works = _draw_works(works_stream, settings.movies)
    genres, main_genres = draw_genres(works_stream, int(works.of_movie.max()) + 1)
    genres_of_movie = genres[works.of_movie]
    titles, collection_names = _draw_titles(settings, works, main_genres)
    rng = random_stream(settings, STREAM_MOVIES)
    buzz, quality = _draw_buzz(rng, works)
    people, cast = _draw_cast(settings, works, buzz)
    popularity = _popularity(works, buzz, quality, cast, people)
    return DemoWorld(
        works=works,
        genres=genres_of_movie,
        titles=titles,
        collection_names=collection_names,
        cast=cast,
        people_names=draw_people_names(random_stream(settings, STREAM_NAMES, 1), len(people.fame)),
        released_at=_released_at(works.released),
        popularity=popularity,
        merit=_merit(quality, popularity),
        traits=_draw_traits(rng, works, genres_of_movie, cast, people, popularity),
    )


def _draw_works(rng: np.random.Generator, n_movies: int) -> Works:
    """Draw franchises of two movies and more, and the rest alone; movies in random order."""
    sizes = np.minimum(1 + rng.geometric(0.3, size=n_movies), _LONGEST_FRANCHISE)
    n_franchises = int(np.searchsorted(np.cumsum(sizes), _FRANCHISE_SHARE * n_movies, "right"))
    sizes = sizes[:n_franchises]
    n_alone = n_movies - int(sizes.sum())
    of_movie = np.concatenate(
        [np.repeat(np.arange(n_franchises), sizes), n_franchises + np.arange(n_alone)]
    )
    part = np.arange(n_movies) - np.searchsorted(of_movie, of_movie)
    released = np.concatenate([_franchise_years(rng, sizes, part), _spread_years(rng, n_alone)])
    order = rng.permutation(n_movies)
    return Works(of_movie[order], part[order], released[order], n_franchises)


def _spread_years(rng: np.random.Generator, n: int) -> Floats:
    """Return (n,) years evenly over the quantiles, so that every world has enough older movies."""
    return np.interp((rng.permutation(n) + rng.random(n)) / max(n, 1), *_YEAR_KNOTS)


def _franchise_years(rng: np.random.Generator, sizes: Ints, part: Ints) -> Floats:
    """Return the years of the parts of each franchise, in order, some years apart."""
    total = int(sizes.sum())
    gaps = np.where(part[:total] == 0, 0.0, 1.2 + rng.exponential(1.8, total))
    after = np.cumsum(gaps)
    ends = np.cumsum(sizes)
    after -= np.repeat(after[ends - sizes], sizes)
    begins = np.interp(rng.random(len(sizes)), *_YEAR_KNOTS)
    begins = np.minimum(begins, _YEAR_KNOTS[1][-1] - after[ends - 1])
    years: Floats = np.repeat(begins, sizes) + after
    return years


def _draw_titles(settings: DemoSettings, works: Works, main: Ints) -> tuple[list[str], list[str]]:
    """Draw titles (M,) as MovieLens files them, and the names of the collections."""
    maker = TitleMaker(random_stream(settings, STREAM_NAMES))
    sizes = np.bincount(works.of_movie)
    palettes = [PALETTES[GENRES[genre]] for genre in main]
    series = [
        maker.draw_series(palettes[work], int(sizes[work])) for work in range(works.n_franchises)
    ]
    titles = [titles for _, titles in series] + [
        [maker.draw_title(palette)] for palette in palettes[works.n_franchises :]
    ]
    filed = [
        filed_title(titles[work][part], year)
        for work, part, year in zip(works.of_movie, works.part, works.years.tolist(), strict=True)
    ]
    return filed, [f"{name} Collection" for name, _ in series]


def _draw_buzz(rng: np.random.Generator, works: Works) -> tuple[Floats, Floats]:
    """Return (M,) buzz and quality of a movie: partly the work's, partly its own."""
    n_works, n_movies = int(works.of_movie.max()) + 1, len(works.part)
    shared = rng.standard_normal((2, n_works))[:, works.of_movie]  # (2, M)
    own = rng.standard_normal((2, n_movies))
    buzz, quality = np.sqrt(0.6) * shared + np.sqrt(0.4) * own
    return buzz, quality - 0.15 * works.part


def _draw_cast(settings: DemoSettings, works: Works, buzz: Floats) -> tuple[People, DemoCast]:
    """People and casts; little-noticed movies are the likeliest to have none."""
    rng = random_stream(settings, STREAM_PEOPLE)
    noticed = buzz + 0.7 * rng.standard_normal(len(buzz))
    without = noticed < np.quantile(noticed, _WITHOUT_CAST_SHARE)
    people = draw_people(rng, works.years)
    return people, draw_cast(rng, people, works.years, works.firsts, without)


def _popularity(
    works: Works, buzz: Floats, quality: Floats, cast: DemoCast, people: People
) -> Floats:
    """Return (M,) a long-tailed share of attention: by buzz, quality, cast, franchise and year."""
    known = cast.mean(people.fame[cast.people])
    attention = (
        0.75 * buzz
        + 0.30 * quality
        + 0.50 * known
        + 0.90 * (works.collections >= 0)
        + 0.02 * np.maximum(works.released - 1980, -20)
    )
    attention = (attention - attention.mean()) / attention.std()
    attention -= 0.1 * np.maximum(attention, 0) ** 2  # nobody is known to all
    weights = np.exp(_POPULARITY_SPREAD * attention)
    shares: Floats = weights / weights.sum()
    return shares


def _merit(quality: Floats, popularity: Floats) -> Floats:
    """Return (M,) quality and popularity by true weight, each of variance 1 over what is met."""
    parts = [_centred(part[:, None], popularity) for part in (quality, np.log(popularity))]
    return (TRUE_WEIGHTS["rating"] * parts[0] + TRUE_WEIGHTS["popularity"] * parts[1])[:, 0]


def _draw_traits(
    rng: np.random.Generator,
    works: Works,
    genres: Bools,
    cast: DemoCast,
    people: People,
    popularity: Floats,
) -> Floats:
    """Return (M, D) traits; a user of D standard normal tastes likes m by `traits[m] @ tastes`."""
    of_genre = genres / np.maximum(genres.sum(axis=1, keepdims=True), 1)
    charm = rng.standard_normal((len(people.fame), N_TASTES))
    charm *= np.exp(0.9 * people.fame)[:, None]  # those known best divide opinion most
    of_cast = np.stack([cast.mean(kind[cast.people]) for kind in charm.T], axis=1)
    of_franchise = rng.standard_normal((works.n_franchises + 1, N_TASTES))
    of_franchise[-1] = 0.0  # where collections are -1
    return np.concatenate(
        [
            TRUE_WEIGHTS["genre"] * _centred(of_genre, popularity),
            TRUE_WEIGHTS["cast"] * _centred(of_cast, popularity),
            TRUE_WEIGHTS["franchise"] * _centred(of_franchise[works.collections], popularity),
        ],
        axis=1,
    )


def _centred(columns: Floats, popularity: Floats) -> Floats:
    """Return `columns` (M, k) with mean 0 and variances that sum to 1 over what is come across."""
    columns = columns - popularity @ columns
    variance = float(popularity @ (columns**2).sum(axis=1))
    scaled: Floats = columns / np.sqrt(max(variance, 1e-12))
    return scaled


def _released_at(released: Floats) -> Ints:
    """Return (M,) midnight UTC of the release day, from years and fractions."""
    years = np.floor(released)
    days = np.floor((released - years) * 365).astype("timedelta64[D]")
    new_years = (years.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    midnights: Ints = (new_years + days).astype("datetime64[s]").astype(np.int64)
    return midnights
