"""Components of one user's scores, compiled: rows over all movies.

Each has the bits that the components' own `score` gives.
"""

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.engine.arrays import (
    COUNT_BITS,
    FRANCHISE,
    POPULARITY,
    RATING,
    Batch,
    EngineIndex,
    Rows,
    Scratch,
)
from reeltune.engine.compile import compiled


@compiled
def collect_evidence(index: EngineIndex, user: int, rows: Rows, u: int, scratch: Scratch) -> None:
    """Fill in evidence on casts: running totals over all cast lists, and the movies with any.

    A person met anywhere counts in all of their movies. Going through all lists from end to end
    takes less time than to look up the movies of those people: no branch is mispredicted.
    """
    cast_starts, cast, met = index.cast_starts, index.cast, scratch.met
    totals, touched, slots = rows.totals[u], rows.touched[u], rows.slots[u]
    n_people = meet_people(index, user, scratch)
    total = np.int64(0)
    for entry in range(len(cast)):
        totals[entry] = total
        total += met[cast[entry]]
    totals[len(cast)] = total
    for k in range(n_people):
        met[scratch.people[k]] = 0
    n_touched = 0
    for movie in range(len(cast_starts) - 1):
        touched[n_touched] = movie
        n_touched += totals[cast_starts[movie + 1]] != totals[cast_starts[movie]]
    slots[:] = 0
    for n in range(n_touched):
        slots[touched[n]] = n + 1
    rows.n_touched[u] = n_touched
    rows.preferences[u, 0] = 0.5


@compiled
def meet_people(index: EngineIndex, user: int, scratch: Scratch) -> int:
    """Add up the evidence on each person in `scratch.met`; return their number, fill `people`.

    The packed evidence of someone who was met is never 0, for it counts ratings.
    """
    seen_starts, seen, evidence = index.seen_starts, index.seen, index.evidence
    cast_starts, cast = index.cast_starts, index.cast
    met, people, n_people = scratch.met, scratch.people, 0
    for n in range(seen_starts[user], seen_starts[user + 1]):
        for entry in range(cast_starts[seen[n]], cast_starts[seen[n] + 1]):
            person = cast[entry]
            people[n_people] = person
            n_people += met[person] == 0
            met[person] += evidence[n]
    return n_people


@compiled
def score_cast(
    index: EngineIndex, batch: Batch, key: int, rows: Rows, u: int, scratch: Scratch
) -> None:
    """Fill the cast row of the movies with evidence: `Cast.score` of one user."""
    lead, supporting, background = batch.cast[key, 0], batch.cast[key, 1], batch.cast[key, 2]
    scale, prior = index.cast_scale, index.cast_prior
    step = 1.0 / index.steps_per_star  # a power of 2: multiplying by it is exact
    mask = np.int64((1 << COUNT_BITS) - 1)
    n_lead, n_early, cast_starts = batch.n_lead[key], batch.n_early[key], index.cast_starts
    n_touched = rows.n_touched[u]
    touched, totals = rows.touched[u, :n_touched], rows.totals[u]
    row, preferences = rows.cast[u], rows.preferences[u, 1:]
    leads, others, rest = scratch.parts[0], scratch.parts[1], scratch.parts[2]
    for n in range(n_touched):
        movie = touched[n]
        start = cast_starts[movie]
        a, d = totals[start], totals[cast_starts[movie + 1]]
        b, c = totals[start + n_lead[movie]], totals[start + n_early[movie]]
        leads[n], others[n], rest[n] = b - a, c - b, d - c
    for n in range(n_touched):
        total = (
            lead * (np.float64(leads[n] >> COUNT_BITS) * step)
            + supporting * (np.float64(others[n] >> COUNT_BITS) * step)
        ) + background * (np.float64(rest[n] >> COUNT_BITS) * step)
        count = (
            lead * np.float64(leads[n] & mask) + supporting * np.float64(others[n] & mask)
        ) + background * np.float64(rest[n] & mask)
        preferences[n] = 0.5 + 0.5 * total / (abs(total) + scale * (count + prior))
    for n in range(n_touched):
        row[touched[n]] = np.float32(preferences[n])


@compiled
def match_genres(index: EngineIndex, user: int, match: Floats, known: Bools) -> None:
    """Fill `match` and `known` (S,): `Genre.match` of one user."""
    set_starts, set_genres, scale = index.set_starts, index.set_genres, index.genre_scale
    user_profile, has_rated = index.user_profile, index.known
    for s in range(len(set_starts) - 1):
        first, last = set_starts[s], set_starts[s + 1]
        total = 0.0
        known[s] = False
        for n in range(first, last):
            genre = set_genres[n]
            total += user_profile[user, genre]
            known[s] |= has_rated[user, genre]
        mean = total / max(last - first, 1)
        match[s] = 0.5 + 0.5 * mean / (abs(mean) + scale)


@compiled
def score_genres(
    index: EngineIndex, user: int, genre: Floats, rows: Rows, u: int, scratch: Scratch
) -> None:
    """Fill the row of boosted matches of all movies, with NaN for those that cannot be shown.

    NaN never compares as better, whatever is added to it and however it is weighted.
    """
    set_of, rated_starts, rated = index.set_of, index.rated_starts, index.rated
    high, medium, low = genre[0], genre[1], genre[2]
    from_high, from_medium, below_low = genre[3], genre[4], genre[5]
    match, known, exact = rows.match[u], rows.known[u], rows.boosted[u]
    row, by_set = rows.genre[u], scratch.by_set
    for s in range(len(match)):
        boost = low if match[s] < below_low else 0.0
        boost = medium if match[s] >= from_medium else boost
        boost = high if match[s] >= from_high else boost
        boosted = match[s] + (boost if known[s] else 0.0)
        boosted = boosted if boosted > 0.0 else 0.0
        boosted = boosted if boosted < 1.0 else 1.0
        exact[s] = boosted
        by_set[s] = np.float32(boosted)
    for movie in range(len(set_of)):
        row[movie] = by_set[set_of[movie]]
    for n in range(rated_starts[user], rated_starts[user + 1]):
        row[rated[n]] = np.nan


@compiled
def list_franchises(index: EngineIndex, user: int, rows: Rows, u: int) -> None:
    """Fill in the movies of franchises that the user knows, with the user's preferences."""
    starts, movies = index.collection_starts, index.collection_movies
    listed, preferences, exact = (
        rows.listed[u],
        rows.listed_preferences[u],
        rows.franchise_preferences[u],
    )
    exact[:] = 0.5
    n_listed = 0
    for n in range(index.franchise_starts[user], index.franchise_starts[user + 1]):
        collection, preference = index.franchises[n], index.franchise_preferences[n]
        exact[collection] = preference
        for place in range(starts[collection], starts[collection + 1]):
            listed[n_listed] = movies[place]
            preferences[n_listed] = np.float32(preference)
            n_listed += 1
    rows.n_listed[u] = n_listed


@compiled
def max_listed(index: EngineIndex, first: int, last: int) -> int:
    """Return the most movies that `list_franchises` lists for one of these measured users."""
    starts, most = index.collection_starts, 0
    for e in range(first, last):
        user, n_listed = index.users[e], 0
        for n in range(index.franchise_starts[user], index.franchise_starts[user + 1]):
            collection = index.franchises[n]
            n_listed += starts[collection + 1] - starts[collection]
        most = max(most, n_listed)
    return most


@compiled
def score_movies(weights: Floats, popularity: Floats, scratch: Scratch) -> None:
    """Fill the rows that all users share: without a franchise, and with a neutral one."""
    rating, mean, count = scratch.rating, scratch.popularity_mean, scratch.popularity_count
    common, base = scratch.common, scratch.base
    w_rating, neutral = np.float32(weights[RATING]), np.float32(weights[FRANCHISE] * 0.5)
    w_mean = np.float32(weights[POPULARITY] * popularity[0])
    w_count = np.float32(weights[POPULARITY] * popularity[1])
    for movie in range(len(rating)):
        total = w_rating * rating[movie] + w_mean * mean[movie]
        common[movie] = total + w_count * count[movie]
        base[movie] = common[movie] + neutral
