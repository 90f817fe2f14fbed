"""The fused engine against the definitions: every metric, every user, every list, to the bit."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.components import COMPONENTS
from reeltune.components.hyperparameters import SPACE
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.domain.study import BUILT_IN
from reeltune.engine import measure as fused
from reeltune.engine.arrays import LANES, TOP
from reeltune.engine.coverage import COVERED_COMPONENTS, component_gaps
from reeltune.engine.engine import Engine, applies
from reeltune.metrics.ranking import rank, tie_order
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer
from tests.metrics.small_data import table_of

RATINGS = {"all alike": [4.0], "two": [2.0, 4.5], "many": [0.5, 1.5, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0]}

needs_engine = pytest.mark.skipif(
    bool(component_gaps()), reason=f"no engine, for {' and '.join(component_gaps())}"
)


@dataclass(frozen=True)
class Case:
    """Made-up data and configurations to try on it."""

    trainer: RatingsEvaluator
    configurations: list[Configuration]


def catalogue_of(rng: np.random.Generator, n_movies: int, richness: float) -> Catalogue:
    """Genres, casts and collections that come up again and again, in share `richness` of movies."""
    n_genres, n_people, n_collections = 4, max(2, n_movies // 2), max(1, n_movies // 4)
    genres = [
        sorted(np.flatnonzero(rng.random(n_genres) < 0.4 * richness)) for _ in range(n_movies)
    ]
    casts = [
        rng.permutation(n_people)[: int(rng.integers(0, 12)) if rng.random() < richness else 0]
        for _ in range(n_movies)
    ]
    billing = [np.sort(rng.permutation(45)[: len(cast)]) for cast in casts]
    has = rng.random(n_movies) < richness / 2
    return Catalogue(
        movie_ids=np.arange(1, n_movies + 1),
        genre_names=tuple("ABCD"),
        genre_starts=np.cumsum([0, *map(len, genres)]),
        genres=np.array([g for each in genres for g in each], dtype=np.int32),
        person_ids=np.arange(n_people),
        cast_starts=np.cumsum([0, *map(len, casts)]),
        cast=np.concatenate([np.empty(0, int), *casts]).astype(np.int32),
        billing=np.concatenate([np.empty(0, int), *billing]).astype(np.int32),
        collections=np.where(has, rng.integers(0, n_collections, n_movies), -1).astype(np.int32),
        collection_ids=np.arange(n_collections),
        release_years=np.zeros(n_movies, dtype=np.int32),
    )


def parts_of(
    rng: np.random.Generator, n_users: int, n_movies: int, stars: list[float]
) -> tuple[RatingTable, RatingTable]:
    """Users with nothing, with little, and with everything rated; some without a held-out part."""
    rows = []
    for user in range(n_users):
        share = rng.choice([0.0, 0.05, 0.3, 1.0])
        movies = 1 + np.flatnonzero(rng.random(n_movies) < share)
        rows += [(user, int(m), float(rng.choice(stars)), int(rng.integers(99))) for m in movies]
    table = table_of(rows, range(1, n_movies + 1))
    held = rng.random(len(table)) < rng.choice([0.0, 0.1, 0.6], table.n_users)[table.users]
    return table.where(~held), table.where(held)


def configuration_of(rng: np.random.Generator) -> Configuration:
    """Any valid one, now and then at the corners of the space."""
    point = rng.random(len(SPACE.dimensions))
    if rng.random() < 0.3:
        point = np.round(point)
    return SPACE.decode(point)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_movies = draw(st.sampled_from([1, 2, 15, LANES - 1, LANES, LANES + 1, 300]))
    catalogue = catalogue_of(rng, n_movies, draw(st.sampled_from([0.0, 0.5, 1.0])))
    stars = RATINGS[draw(st.sampled_from(list(RATINGS)))]
    fitting, held_out = parts_of(rng, draw(st.integers(1, 7)), n_movies, stars)
    some = [configuration_of(rng) for _ in range(draw(st.integers(1, 3)))]
    weights_only = {
        **some[0],
        **{n: some[-1][n] for n in SPACE.groups[0].dimensions if n in some[0]},
    }
    return Case(
        RatingsEvaluator(BUILT_IN, fitting, held_out, catalogue),
        [*some, weights_only, some[0]],
    )


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    assert found.n_units == expected.n_units
    assert list(found.values) == list(expected.values)
    for name, value in expected.values.items():
        assert np.array_equal(found.values[name], value, equal_nan=True), name
    assert found.per_unit.keys() == expected.per_unit.keys()
    for name, values in expected.per_unit.items():
        assert np.array_equal(found.per_unit[name], values, equal_nan=True), name


def engine_of(trainer: RatingsEvaluator) -> Engine:
    engine = Engine.of(trainer.fitting, trainer.held_out, trainer.catalogue)
    assert engine is not None
    return engine


@given(case=cases())
@settings(max_examples=150, deadline=None)
def test_every_figure_has_the_bits_of_the_reference(case: Case) -> None:
    found = case.trainer.evaluate_many(case.configurations)
    for evaluation, configuration in zip(found, case.configurations, strict=True):
        assert_same(evaluation, case.trainer.evaluate_by_reference(configuration))


@needs_engine
@given(case=cases())
@settings(max_examples=75, deadline=None)
def test_every_list_is_that_of_the_reference(case: Case) -> None:
    trainer, configuration = case.trainer, case.configurations[0]
    users = np.flatnonzero(np.diff(trainer.held_out.starts))
    model = HandWeighted(configuration).fit(trainer.fitting, trainer.catalogue)
    places = tie_order(trainer.catalogue.movie_ids)
    expected = rank(model.score(users), users, trainer.fitting, trainer.held_out, places, TOP)
    assert np.array_equal(engine_of(trainer).top_movies(configuration), expected.top)


@given(case=cases())
@settings(max_examples=25, deadline=None)
def test_neither_threads_nor_the_size_of_a_pass_change_a_bit(case: Case) -> None:
    expected = case.trainer.evaluate_many(case.configurations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "MAX_CONFIGURATIONS", 2)
        patch.setattr(fused, "TASKS_PER_THREAD", 1)
        patch.setattr(fused, "CACHE_BYTES", 1)
        patch.setattr(fused, "n_threads", lambda: 3)
        found = case.trainer.evaluate_many(case.configurations)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def some_trainer(seed: int = 0) -> RatingsEvaluator:
    rng = np.random.default_rng(seed)
    fitting, held_out = parts_of(rng, 30, 100, RATINGS["many"])
    return RatingsEvaluator(BUILT_IN, fitting, held_out, catalogue_of(rng, 100, 1.0))


def test_a_measurement_is_the_same_alone_and_among_others() -> None:
    trainer, rng = some_trainer(), np.random.default_rng(1)
    configurations = [configuration_of(rng) for _ in range(9)]
    together = Measurer(trainer, "accuracy").measure_many(configurations)
    for found, configuration in zip(together, configurations, strict=True):
        alone = Measurer(trainer, "accuracy")(configuration)
        assert found.objective_value == alone.objective_value
        assert found.metrics == alone.metrics
        assert np.array_equal(found.user_values, alone.user_values, equal_nan=True)


def test_movies_with_the_same_evidence_are_exact_ties() -> None:
    """Twins in all but id, their casts listed in different orders by the same roles."""
    trainer = some_trainer()
    catalogue = trainer.catalogue
    n = catalogue.n_movies
    twins = replace(
        catalogue,
        movie_ids=np.arange(1, 2 * n + 1),
        genre_starts=np.concatenate(
            [catalogue.genre_starts, catalogue.genre_starts[1:] + len(catalogue.genres)]
        ),
        genres=np.tile(catalogue.genres, 2),
        cast_starts=np.concatenate(
            [catalogue.cast_starts, catalogue.cast_starts[1:] + len(catalogue.cast)]
        ),
        cast=np.concatenate(
            [
                catalogue.cast,
                *(row[::-1] for row in np.split(catalogue.cast, catalogue.cast_starts[1:-1])),
            ]
        ),
        billing=np.tile(catalogue.billing, 2),
        collections=np.full(2 * n, -1, dtype=np.int32),
    )
    table = replace(trainer.fitting, movie_ids=twins.movie_ids)
    same_roles = {**SPACE.defaults(), "cast_lead_weight": 0.5, "cast_supporting_weight": 0.5}
    same_roles |= {"rating_weight": 0.0, "popularity_weight": 0.0, "genre_weight": 0.5}
    same_roles |= {"cast_weight": 0.5, "franchise_weight": 0.0, "cast_background_weight": 0.5}
    scores = HandWeighted(same_roles).fit(table, twins).score(np.arange(table.n_users))
    assert len(np.unique(scores)) > 100
    assert np.array_equal(scores[:, :n], scores[:, n:])


def test_what_the_engine_cannot_do_is_left_to_the_reference() -> None:
    trainer = some_trainer()
    both = replace(trainer, held_out=trainer.fitting)
    with pytest.raises(InputError, match="in both"):
        Measurer(both, "accuracy")(SPACE.defaults())
    assert Engine.of(both.fitting, both.held_out, both.catalogue) is None
    assert not applies({**SPACE.defaults(), "genre_weight": float("nan")})
    assert not applies({**SPACE.defaults(), "genre_weight": 2.0})
    with pytest.raises(InputError, match="must be finite"):
        Measurer(trainer, "accuracy")({**SPACE.defaults(), "genre_weight": float("nan")})


def test_without_held_out_ratings_nothing_can_be_measured() -> None:
    trainer = some_trainer()
    nobody = trainer.held_out.where(np.zeros(len(trainer.held_out), dtype=np.bool_))
    with pytest.raises(InputError, match="no user has the held-out ratings"):
        Measurer(replace(trainer, held_out=nobody), "accuracy")(SPACE.defaults())


def test_the_environment_limits_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert fused.n_threads() == 1
    monkeypatch.setenv("NUMBA_NUM_THREADS", "many")
    assert fused.n_threads() >= 1


def test_the_engine_covers_what_is_declared_and_registered() -> None:
    """More may be registered; a name that is not there any more would switch the engine off."""
    assert set(COVERED_COMPONENTS) <= set(COMPONENTS.values())
    for kind, names in COVERED_COMPONENTS.items():
        assert {f"{kind.name}_weight", *names} <= set(SPACE.hyperparameters)
        assert set(names) <= set(kind.hyperparameters)
