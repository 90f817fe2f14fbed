"""Outer loop of the engine, compiled: lists of some users under many configurations.

Compiled code is stored on disk, see `reeltune.engine.measure`.
"""

import numpy as np

from reeltune.domain.arrays import Ints32
from reeltune.engine.arrays import (
    ACCURACY,
    DIVERSITY,
    FRANCHISE,
    LANES,
    MAX_FOUND,
    MRR,
    NDCG,
    NOVELTY,
    RECALL,
    SHOWN,
    TOP,
    Batch,
    EngineIndex,
    Results,
    Rows,
    Scratch,
    Singles,
)
from reeltune.engine.compile import allocating, compiled
from reeltune.engine.list_metrics import gain, order_pairs, spread
from reeltune.engine.score_rows import (
    collect_evidence,
    list_franchises,
    match_genres,
    max_listed,
    score_cast,
    score_genres,
    score_movies,
)
from reeltune.engine.top_k import best_liked, score_exactly, select


@allocating
def evaluate_users(
    index: EngineIndex, batch: Batch, first: int, last: int, group: int, results: Results
) -> None:
    """Measure all configurations on the measured users from `first` up to `last`.

    `group` users at a time: their rows stay in the core's cache while each configuration's row of
    movies, made once for all of them, is used.
    """
    rows, scratch = make_rows(index, group, max_listed(index, first, last)), make_scratch(index)
    genre_of, cast_of = batch.genre_of, batch.cast_of
    for start in range(first, last, group):
        here = min(group, last - start)
        for u in range(here):
            user = index.users[start + u]
            collect_evidence(index, user, rows, u, scratch)
            match_genres(index, user, rows.match[u], rows.known[u])
            list_franchises(index, user, rows, u)
            rows.cast[u, :] = 0.5
        for c in range(len(batch.weights)):
            new_genre = c == 0 or genre_of[c] != genre_of[c - 1]
            new_cast = c == 0 or cast_of[c] != cast_of[c - 1]
            score_movies(batch.weights[c], batch.popularity[c], scratch)
            for u in range(here):
                e = start + u
                if new_genre:
                    genre = batch.genre[genre_of[c]]
                    score_genres(index, index.users[e], genre, rows, u, scratch)
                if new_cast:
                    score_cast(index, batch, cast_of[c], rows, u, scratch)
                evaluate_user(index, batch, c, e, rows, u, scratch, results)


@compiled
def evaluate_user(
    index: EngineIndex,
    batch: Batch,
    c: int,
    e: int,
    rows: Rows,
    u: int,
    scratch: Scratch,
    results: Results,
) -> None:
    """Measure configuration `c` on measured user `e`, whose rows are at `u`."""
    weights, popularity, movies = batch.weights[c], batch.popularity[c], index.movies
    held = index.held[index.held_starts[e] : index.held_starts[e + 1]]
    liked = index.liked[index.held_starts[e] : index.held_starts[e + 1]]
    scores = scratch.held_scores[: len(held)]
    for h in range(len(held)):
        scores[h] = score_exactly(movies, rows, u, weights, popularity, held[h])
    wanted = best_liked(movies, scores, held, liked)
    listed, preferences = rows.listed[u, : rows.n_listed[u]], rows.listed_preferences[u]
    set_listed(listed, preferences, weights[FRANCHISE], scratch)
    n_top, n_before = select(movies, rows, u, weights, popularity, wanted, scratch)
    unset_listed(listed, weights[FRANCHISE], scratch)
    top = scratch.top[:n_top]
    values = results.values[c, :, e]
    values[ACCURACY] = order_pairs(scores, liked, scratch.good, scratch.bad)
    values[NDCG], values[RECALL] = gain(index, held, liked, top, scratch.rank_of)
    values[MRR] = 1.0 / (n_before + 1) if wanted >= 0 else np.nan
    values[NOVELTY], values[DIVERSITY] = spread(index, top[:SHOWN], scratch.lengths)
    for place in range(min(n_top, SHOWN)):
        results.shown[c, top[place]] = 1
    if len(results.top) > 0:
        for place in range(TOP):
            results.top[c, e, place] = top[place] if place < n_top else -1


@compiled
def set_listed(listed: Ints32, preferences: Singles, weight: float, scratch: Scratch) -> None:
    """Put the user's preferences for the franchises of the `listed` movies into the row `base`."""
    common, base, single = scratch.common, scratch.base, np.float32(weight)
    for n in range(len(listed)):
        base[listed[n]] = common[listed[n]] + single * preferences[n]


@compiled
def unset_listed(listed: Ints32, weight: float, scratch: Scratch) -> None:
    """Undo `set_listed`."""
    common, base, neutral = scratch.common, scratch.base, np.float32(weight * 0.5)
    for n in range(len(listed)):
        base[listed[n]] = common[listed[n]] + neutral


@allocating
def make_rows(index: EngineIndex, group: int, most: int) -> Rows:
    """Allocate rows for `group` users with up to `most` movies in franchises that they know."""
    n_movies, n_sets = len(index.movies), len(index.set_starts) - 1
    n_padded = (n_movies + LANES - 1) // LANES * LANES
    return Rows(
        np.full((group, n_padded), np.nan, dtype=np.float32),
        np.zeros((group, n_padded), dtype=np.float32),
        np.empty((group, n_sets)),
        np.empty((group, n_movies + 1)),
        np.empty((group, n_movies), dtype=np.int32),
        np.empty((group, len(index.collection_starts))),
        np.empty((group, n_sets)),
        np.empty((group, n_sets), dtype=np.bool_),
        np.empty((group, n_movies + 1), dtype=np.int32),
        np.zeros(group, dtype=np.int64),
        np.empty((group, len(index.cast) + 1), dtype=np.int64),
        np.empty((group, most), dtype=np.int32),
        np.empty((group, most), dtype=np.float32),
        np.zeros(group, dtype=np.int64),
    )


@allocating
def make_scratch(index: EngineIndex) -> Scratch:
    """Allocate the working memory of one thread."""
    movies = index.movies
    n_movies, n_sets = len(movies), len(index.set_starts) - 1
    n_padded = (n_movies + LANES - 1) // LANES * LANES
    n_people, most_held = index.n_people, 1
    for e in range(len(index.users)):
        most_held = max(most_held, index.held_starts[e + 1] - index.held_starts[e])
    rating = np.zeros(n_padded, dtype=np.float32)
    mean, count = rating.copy(), rating.copy()
    for movie in range(n_movies):
        rating[movie] = movies[movie].rating
        mean[movie] = movies[movie].popularity_mean
        count[movie] = movies[movie].popularity_count
    return Scratch(
        rating,
        mean,
        count,
        np.empty(n_padded, dtype=np.float32),
        np.empty(n_padded, dtype=np.float32),
        np.empty(n_padded, dtype=np.float32),
        np.empty(LANES, dtype=np.float32),
        np.empty(n_padded // LANES, dtype=np.uint64),
        np.zeros(n_people, dtype=np.int64),
        np.empty(n_people + 1, dtype=np.int32),
        np.empty((3, n_movies), dtype=np.int64),
        np.empty(n_sets, dtype=np.float32),
        np.empty(MAX_FOUND, dtype=np.int32),
        np.empty(MAX_FOUND),
        np.empty(MAX_FOUND),
        np.empty(TOP, dtype=np.int32),
        np.empty(TOP),
        np.empty(TOP),
        np.empty(most_held),
        np.empty(most_held),
        np.empty(most_held),
        np.zeros(n_movies, dtype=np.int32),
        np.empty(index.user_profile.shape[1]),
    )
