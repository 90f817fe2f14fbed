"""Scoring of one user over all movies, compiled, and the choice of the best.

Each operation is that of the components' own `score`, in the same order, in double precision: the
scores have its bits. Compiled code is stored on disk, see `reeltune.serving.compiled_kernel`.
"""

import numpy as np

from reeltune.components.cast import CAST_SCALE
from reeltune.components.damped_mean import PRIOR_RATINGS, STEPS_PER_STAR
from reeltune.components.genre import GENRE_SCALE
from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.engine.arrays import Bytes
from reeltune.engine.compile import compiled, inlined
from reeltune.serving.arrays import (
    CAST,
    FRANCHISE,
    GENRE,
    ServingIndex,
    UserProfile,
    Workspace,
)

_STEP = 1.0 / STEPS_PER_STAR  # a power of 2: multiplying by it is exact


@compiled
def recommend_user(
    index: ServingIndex,
    profile: UserProfile,
    left_out: Bytes,
    work: Workspace,
    top: Ints32,
    top_scores: Floats,
    preferences: Floats,
) -> int:
    """Find the best movies of a user; return how many there are, at most as `top` holds.

    Args:
        index: the version.
        profile: of the user.
        left_out: (M,) 1 for movies that may not be shown.
        work: working memory.
        top: (k,) filled with the movies, the best first.
        top_scores: (k,) filled with their scores.
        preferences: (k, N_PERSONAL) filled with what the personal components give them.
    """
    _set_franchises(profile, work, known=True)
    _match_genres(index, profile, work)
    _score_cast(index, profile, work)
    n = _select_scored(index, left_out, work, top, top_scores)
    for place in range(n):
        movie = top[place]
        preferences[place, FRANCHISE] = work.franchise[index.collections[movie]]
        preferences[place, GENRE] = work.match[index.set_of[movie]]
        preferences[place, CAST] = work.cast[movie]
    _set_franchises(profile, work, known=False)
    return n


@compiled
def _set_franchises(profile: UserProfile, work: Workspace, known: bool) -> None:
    """Fill in the user's preferences for collections, or undo that: `Franchise.score`."""
    for n in range(len(profile.franchises)):
        preference = profile.franchise_preferences[n] if known else 0.5
        work.franchise[profile.franchises[n]] = preference


@compiled
def _match_genres(index: ServingIndex, profile: UserProfile, work: Workspace) -> None:
    """Fill in the boosted match of each set of genres: `Genre.score`."""
    high, medium, low = index.boosts[0], index.boosts[1], index.boosts[2]
    from_high, from_medium, below_low = index.boosts[3], index.boosts[4], index.boosts[5]
    for s in range(len(work.match)):
        first, last = index.set_starts[s], index.set_starts[s + 1]
        total, known = 0.0, False
        for n in range(first, last):
            genre = index.set_genres[n]
            total += profile.genres[genre]
            known |= profile.known_genres[genre]
        mean = total / max(last - first, 1)
        match = 0.5 + 0.5 * mean / (abs(mean) + GENRE_SCALE)
        boost = low if match < below_low else 0.0
        boost = medium if match >= from_medium else boost
        boost = high if match >= from_high else boost
        boosted = match + (boost if known else 0.0)
        boosted = boosted if boosted > 0.0 else 0.0
        work.match[s] = boosted if boosted < 1.0 else 1.0


@compiled
def _score_cast(index: ServingIndex, profile: UserProfile, work: Workspace) -> None:
    """Fill in the preference for the cast of each movie: `Cast.score`.

    Going through all casts from end to end takes less time than to look up the movies of the people
    whom the user has met, but for users with very few ratings.
    """
    n_people = _meet_people(index, profile, work)
    lead, supporting, background = (
        index.role_weights[0],
        index.role_weights[1],
        index.role_weights[2],
    )
    for movie in range(len(index.common)):
        first, last = index.cast_starts[movie], index.cast_starts[movie + 1]
        to_lead, to_supporting = index.lead_ends[movie], index.supporting_ends[movie]
        leads, n_leads = _evidence_on(index.cast, first, to_lead, work.met)
        others, n_others = _evidence_on(index.cast, to_lead, to_supporting, work.met)
        rest, n_rest = _evidence_on(index.cast, to_supporting, last, work.met)
        total = (lead * (leads * _STEP) + supporting * (others * _STEP)) + background * (
            rest * _STEP
        )
        count = (lead * n_leads + supporting * n_others) + background * n_rest
        work.cast[movie] = 0.5 + 0.5 * total / (abs(total) + CAST_SCALE * (count + PRIOR_RATINGS))
    for n in range(n_people):
        person = work.people[n]
        work.met[person, 0], work.met[person, 1] = 0, 0


@inlined
def _evidence_on(cast: Ints32, first: int, last: int, met: Ints) -> tuple[float, float]:
    """Return the evidence on some entries of the cast lists: sum of steps, number of ratings."""
    steps, count = np.int64(0), np.int64(0)
    for entry in range(first, last):
        steps += met[cast[entry], 0]
        count += met[cast[entry], 1]
    return float(steps), float(count)


@compiled
def _meet_people(index: ServingIndex, profile: UserProfile, work: Workspace) -> int:
    """Add up the evidence on each person in `work.met`; return their number, fill `work.people`."""
    met, people, n_people = work.met, work.people, 0
    for n in range(len(profile.rated)):
        movie, steps = profile.rated[n], profile.steps[n]
        for entry in range(index.cast_starts[movie], index.cast_starts[movie + 1]):
            person = index.cast[entry]
            if met[person, 1] == 0:
                people[n_people] = person
                n_people += 1
            met[person, 0] += steps
            met[person, 1] += 1
    return n_people


@inlined
def _comes_before(places: Ints, score: float, movie: int, other_score: float, other: int) -> bool:
    """Return True if a movie with a score comes before another one."""
    before: bool = score > other_score or (score == other_score and places[movie] < places[other])
    return before


@compiled
def _sift_down(places: Ints, top: Ints32, top_scores: Floats, at: int, n: int) -> None:
    """Restore the heap of `n` movies below `at`; the one that comes last is at its root."""
    movie, score = top[at], top_scores[at]
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and _comes_before(
            places, top_scores[child], top[child], top_scores[child + 1], top[child + 1]
        ):
            child += 1
        if not _comes_before(places, score, movie, top_scores[child], top[child]):
            break
        top[at], top_scores[at] = top[child], top_scores[child]
        at = child
    top[at], top_scores[at] = movie, score


@compiled
def _offer(places: Ints, score: float, movie: int, top: Ints32, top_scores: Floats, n: int) -> int:
    """Take a movie into the heap of `n` if it is among the best so far; return the new number."""
    if n == len(top):
        if _comes_before(places, score, movie, top_scores[0], top[0]):
            top[0], top_scores[0] = movie, score
            _sift_down(places, top, top_scores, 0, n)
        return n
    top[n], top_scores[n] = movie, score
    n += 1
    if n == len(top):
        for at in range(n // 2 - 1, -1, -1):
            _sift_down(places, top, top_scores, at, n)
    return n


@compiled
def _order_best(places: Ints, top: Ints32, top_scores: Floats, n: int) -> None:
    """Order the heap of `n` movies, the best first."""
    for at in range(n // 2 - 1, -1, -1):  # where fewer were offered than there is room for
        _sift_down(places, top, top_scores, at, n)
    for last in range(n - 1, 0, -1):
        top[0], top[last] = top[last], top[0]
        top_scores[0], top_scores[last] = top_scores[last], top_scores[0]
        _sift_down(places, top, top_scores, 0, last)


@compiled
def _select_scored(
    index: ServingIndex, left_out: Bytes, work: Workspace, top: Ints32, top_scores: Floats
) -> int:
    """Score all movies that may be shown, and keep the best in order; return their number."""
    w_franchise, w_genre, w_cast = (
        index.weights[FRANCHISE],
        index.weights[GENRE],
        index.weights[CAST],
    )
    n = 0
    bar = -np.inf
    for movie in range(len(index.common)):
        if left_out[movie]:
            continue
        base = index.common[movie] + w_franchise * work.franchise[index.collections[movie]]
        score = (base + w_genre * work.match[index.set_of[movie]]) + w_cast * work.cast[movie]
        if score >= bar:
            n = _offer(index.places, score, movie, top, top_scores, n)
            bar = top_scores[0] if n == len(top) else -np.inf
    _order_best(index.places, top, top_scores, n)
    return n


@compiled
def select_best(
    scores: Floats, places: Ints, left_out: Bytes, top: Ints32, top_scores: Floats
) -> int:
    """Keep the best of `scores` (M,) in order, of movies that may be shown; return their number."""
    n = 0
    for movie in range(len(scores)):
        if not left_out[movie]:
            n = _offer(places, scores[movie], movie, top, top_scores, n)
    _order_best(places, top, top_scores, n)
    return n
