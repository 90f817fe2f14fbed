"""The fused engine's inner loops, compiled: all of a user's rankings under many configurations.

Every score is the sum that the recommender's `score` makes: the same operations on the same
numbers in the same order, without contraction, so it has the same bits. Compiled code is kept on
disk, see `evaluation.fused`.
"""

import numpy as np
from numba import njit

from domain.arrays import Bools, Floats, Ints, Ints32
from evaluation.fused_arrays import (
    ACCURACY,
    COUNT_BITS,
    DIVERSITY,
    LANES,
    MRR,
    NDCG,
    NOVELTY,
    RECALL,
    SHOWN,
    TOP,
    Batch,
    Results,
    World,
)

# No fastmath: it would change bits. NumPy's way with a division by 0 lets many be done at once.
compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def collect_evidence(world: World, user: int, met: Ints, sums: Ints, touched: Ints32) -> int:
    """Fill `sums` (L + 1,) with running totals of packed evidence over all cast lists.

    `met` (P,) is all 0 before and after. Returns how many movies have any evidence, their
    positions in `touched`. Nothing here depends on what was rated how, so that the processor
    need not guess; passing over those who were not met costs less.
    """
    seen_starts, seen, evidence = world.seen_starts, world.seen, world.evidence
    cast_starts, cast = world.cast_starts, world.cast
    first, last = seen_starts[user], seen_starts[user + 1]
    for n in range(first, last):
        movie = seen[n]
        for entry in range(cast_starts[movie], cast_starts[movie + 1]):
            met[cast[entry]] += evidence[n]
    total = np.int64(0)
    for entry in range(len(cast)):
        sums[entry] = total
        total += met[cast[entry]]
    sums[len(cast)] = total
    n_touched = 0
    for movie in range(len(cast_starts) - 1):
        touched[n_touched] = movie
        n_touched += sums[cast_starts[movie + 1]] != sums[cast_starts[movie]]
    for n in range(first, last):
        movie = seen[n]
        for entry in range(cast_starts[movie], cast_starts[movie + 1]):
            met[cast[entry]] = 0
    return n_touched


@compiled
def score_cast(
    world: World,
    batch: Batch,
    key: int,
    sums: Ints,
    touched: Ints32,
    parts: Ints,
    likings: Floats,
    row: Floats,
) -> None:
    """Put the likings of the casts of `touched` movies into `row`: `Cast.score` of one user.

    `parts` (3, M) and `likings` (M,) are scratch.
    """
    lead, supporting, background = batch.cast[key, 0], batch.cast[key, 1], batch.cast[key, 2]
    scale, prior = world.cast_scale, world.cast_prior
    step = 1.0 / world.steps_per_star  # a power of 2: multiplying by it is exact
    mask = np.int64((1 << COUNT_BITS) - 1)
    n_lead, n_early, starts = batch.n_lead[key], batch.n_early[key], world.cast_starts
    leads, others, rest = parts[0], parts[1], parts[2]
    for n in range(len(touched)):
        movie = touched[n]
        start = starts[movie]
        a, d = sums[start], sums[starts[movie + 1]]
        b, c = sums[start + n_lead[movie]], sums[start + n_early[movie]]
        leads[n], others[n], rest[n] = b - a, c - b, d - c
    for n in range(len(touched)):
        total = (
            lead * (np.float64(leads[n] >> COUNT_BITS) * step)
            + supporting * (np.float64(others[n] >> COUNT_BITS) * step)
        ) + background * (np.float64(rest[n] >> COUNT_BITS) * step)
        count = (
            lead * np.float64(leads[n] & mask) + supporting * np.float64(others[n] & mask)
        ) + background * np.float64(rest[n] & mask)
        likings[n] = 0.5 + 0.5 * total / (abs(total) + scale * (count + prior))
    for n in range(len(touched)):
        row[touched[n]] = likings[n]


@compiled
def match_genres(world: World, user: int, match: Floats, known: Bools) -> None:
    """Fill `match` and `known` (S,): `Genre.match` of one user."""
    set_starts, set_genres, scale = world.set_starts, world.set_genres, world.genre_scale
    taste, has_rated = world.taste, world.known
    for s in range(len(set_starts) - 1):
        first, last = set_starts[s], set_starts[s + 1]
        total = 0.0
        known[s] = False
        for n in range(first, last):
            genre = set_genres[n]
            total += taste[user, genre]
            known[s] |= has_rated[user, genre]
        mean = total / max(last - first, 1)
        match[s] = 0.5 + 0.5 * mean / (abs(mean) + scale)


@compiled
def score_genres(
    world: World,
    user: int,
    genre: Floats,
    match: Floats,
    known: Bools,
    by_set: Floats,
    row: Floats,
    highest: Floats,
) -> None:
    """Fill `row` with the boosted match of all movies, and NaN for those that cannot be shown.

    NaN never compares as better, whatever is added to it and however it is weighted.
    """
    set_of, n_movies = world.set_of, world.n_movies
    high, medium, low = genre[0], genre[1], genre[2]
    from_high, from_medium, below_low = genre[3], genre[4], genre[5]
    for s in range(len(match)):
        boost = low if match[s] < below_low else 0.0
        boost = medium if match[s] >= from_medium else boost
        boost = high if match[s] >= from_high else boost
        boosted = match[s] + (boost if known[s] else 0.0)
        boosted = boosted if boosted > 0.0 else 0.0
        by_set[s] = boosted if boosted < 1.0 else 1.0
    for movie in range(n_movies):
        row[movie] = by_set[set_of[movie]]
    row[n_movies:] = -np.inf
    set_rated(world, user, -np.inf, row)
    find_highest(row, highest)
    set_rated(world, user, np.nan, row)
    row[n_movies:] = np.nan


@compiled
def set_rated(world: World, user: int, value: float, row: Floats) -> None:
    """Set what the user has rated to `value`."""
    rated_starts, rated = world.rated_starts, world.rated
    for n in range(rated_starts[user], rated_starts[user + 1]):
        row[rated[n]] = value


@compiled
def find_highest(row: Floats, highest: Floats) -> None:
    """The highest value of each block of `row`, in which nothing is NaN."""
    best = np.empty(8)  # side by side, so that the processor can take many at once
    for block in range(len(highest)):
        part = row[block * LANES : (block + 1) * LANES]
        for k in range(8):
            best[k] = part[k]
        for start in range(8, LANES, 8):
            for k in range(8):
                value = part[start + k]
                best[k] = value if value > best[k] else best[k]
        most = best[0]
        for k in range(1, 8):
            most = best[k] if best[k] > most else most
        highest[block] = most


@compiled
def score_movies(
    rating: Floats,
    mean: Floats,
    count: Floats,
    weights: Floats,
    popularity: Floats,
    common: Floats,
    row: Floats,
) -> None:
    """Fill `common` with the movies' own parts of the score, `row` with a neutral franchise too."""
    w_rating, w_popularity, neutral = weights[0], weights[1], weights[2] * 0.5
    w_mean, w_count = popularity[0], popularity[1]
    for movie in range(len(row)):
        mix = w_mean * mean[movie] + w_count * count[movie]
        common[movie] = w_rating * rating[movie] + w_popularity * mix
    for movie in range(len(row)):
        row[movie] = common[movie] + neutral


@compiled
def list_franchises(world: World, user: int, movies: Ints32, likings: Floats) -> int:
    """List the movies of franchises that the user knows, with their likings; how many."""
    franchise_starts, franchises = world.franchise_starts, world.franchises
    franchise_likings, collection_starts = world.franchise_likings, world.collection_starts
    collection_movies = world.collection_movies
    n_listed = 0
    for n in range(franchise_starts[user], franchise_starts[user + 1]):
        collection = franchises[n]
        first, last = collection_starts[collection], collection_starts[collection + 1]
        for place in range(first, last):
            if n_listed < len(movies):
                movies[n_listed] = collection_movies[place]
                likings[n_listed] = franchise_likings[n]
            n_listed += 1
    return n_listed


@compiled
def keep_best(
    places: Ints32, found: Floats, movies: Ints32, n: int, scores: Floats, top: Ints32
) -> int:
    """Put each of `movies` where it belongs in a list of `n` movies, TOP at most; its new length.

    `found` are their scores, `scores` (TOP,) those of the list in `top` (TOP,), best first.
    """
    for k in range(len(movies)):
        score, movie = found[k], movies[k]
        if n == TOP:
            last = scores[TOP - 1]
            if score < last or (score == last and places[movie] > places[top[TOP - 1]]):
                continue
        place = min(n, TOP - 1)
        while place > 0:
            other, than = scores[place - 1], top[place - 1]
            if score < other or (score == other and places[movie] > places[than]):
                break
            scores[place], top[place] = other, than
            place -= 1
        scores[place], top[place] = score, movie
        n = min(n + 1, TOP)
    return n


@compiled
def select(  # noqa: C901 one loop: what is called here is called a thousand million times
    places: Ints32,
    rows: Floats,
    genre: Floats,
    cast: Floats,
    highest: Floats,
    franchise_highest: Floats,
    genre_highest: Floats,
    cast_highest: Floats,
    weights: Floats,
    wanted: int,
    cut: float,
    most: Floats,
    lane: Floats,
    found: Floats,
    movies: Ints32,
    scores: Floats,
    top: Ints32,
) -> tuple[int, int]:
    """Find the best TOP movies, and how many come before movie `wanted` (-1: not asked).

    Args:
        places: (M,) of movies among equals.
        rows: (M padded,) as are `genre` and `cast`: the parts of the score.
        genre: with NaN for movies that cannot be shown.
        cast: likings.
        highest: of what all users' scores have in common, by block. Rounding keeps order, so the
            weighted sum of a block's highest parts is no lower than any score in it.
        franchise_highest: the same of the user's likings of franchises.
        genre_highest: of `genre`.
        cast_highest: of `cast`.
        weights: (5,) of the components, 0 or more.
        wanted: a movie that can be shown.
        cut: what the best TOP movies score at least.
        most: (blocks,) scratch.
        lane: (LANES,) scratch.
        found: scratch, several times LANES long.
        movies: scratch of the same length.
        scores: (TOP,) to be filled, descending.
        top: (TOP,) to be filled.

    Returns:
        The length of the list in `top`, and the number of movies before `wanted`.
    """
    w_genre, w_cast, bar = weights[3], weights[4], np.inf
    if wanted >= 0:
        bar = (rows[wanted] + w_genre * genre[wanted]) + w_cast * cast[wanted]
    n_before, n_top, n_found = 0, 0, 0
    for block in range(len(highest)):
        most[block] = highest[block] + weights[2] * franchise_highest[block]
        most[block] = most[block] + w_genre * genre_highest[block]
        most[block] = most[block] + w_cast * cast_highest[block]
    for block in range(len(highest)):
        if not most[block] >= min(bar, cut):
            continue
        first = block * LANES
        a, b, c = rows[first : first + LANES], genre[first : first + LANES], cast[first:]
        n_over, n_reach, n_good = 0, 0, 0
        for i in range(LANES):
            lane[i] = (a[i] + w_genre * b[i]) + w_cast * c[i]
        for i in range(LANES):
            n_over += lane[i] > bar
            n_reach += lane[i] >= bar
            n_good += lane[i] >= cut
        n_before += n_over
        if n_reach > n_over:
            for i in range(LANES):
                if lane[i] == bar:
                    n_before += places[first + i] < places[wanted]
        if n_good == 0:
            continue
        if n_found + LANES > len(found):
            n_top = keep_best(places, found[:n_found], movies[:n_found], n_top, scores, top)
            n_found = 0
            if n_top == TOP:
                cut = max(cut, scores[TOP - 1])
        for i in range(LANES):
            if lane[i] >= cut:
                found[n_found], movies[n_found] = lane[i], first + i
                n_found += 1
    n_top = keep_best(places, found[:n_found], movies[:n_found], n_top, scores, top)
    return n_top, n_before


@compiled
def order_pairs(scores: Floats, liked: Bools, good: Floats, bad: Floats) -> float:
    """The share of pairs (liked, not liked) that `scores` order right; NaN without such a pair."""
    n_good, n_bad = 0, 0
    for h in range(len(scores)):
        if liked[h]:
            good[n_good] = scores[h]
            n_good += 1
        else:
            bad[n_bad] = scores[h]
            n_bad += 1
    if n_good == 0 or n_bad == 0:
        return np.nan
    halves = 0
    for g in range(n_good):
        above, equal = 0, 0
        for b in range(n_bad):
            above += good[g] > bad[b]
            equal += good[g] == bad[b]
        halves += 2 * above + equal
    return (0.5 * halves) / (n_good * n_bad)


@compiled
def gain(
    discounts: Floats, ideal: Floats, held: Ints32, liked: Bools, top: Ints32, rank_of: Ints32
) -> tuple[float, float]:
    """NDCG and recall of a list; `rank_of` (M,) is all 0 before and after."""
    for place in range(len(top)):
        rank_of[top[place]] = place + 1
    gained, n_liked, n_found = 0.0, 0, 0
    for h in range(len(held)):
        rank = rank_of[held[h]]
        if liked[h]:
            n_liked += 1
            n_found += rank > 0
            if 0 < rank <= SHOWN:
                gained += discounts[rank - 1]
    for place in range(len(top)):
        rank_of[top[place]] = 0
    if n_liked == 0:
        return np.nan, np.nan
    return gained / ideal[min(n_liked, SHOWN)], n_found / n_liked


@compiled
def spread(
    bits: Floats,
    set_of: Ints32,
    set_starts: Ints,
    set_genres: Ints32,
    top: Ints32,
    lengths: Floats,
) -> tuple[float, float]:
    """Novelty and diversity of a list; `lengths` (G,) is scratch."""
    surprise, n, squared = 0.0, 0, 0.0
    lengths[:] = 0.0
    for place in range(len(top)):
        surprise += bits[top[place]]
        first, last = set_starts[set_of[top[place]]], set_starts[set_of[top[place]] + 1]
        if last > first:
            n += 1
            for entry in range(first, last):
                lengths[set_genres[entry]] += 1.0 / np.sqrt(last - first)
    novelty = surprise / len(top) if len(top) > 0 else np.nan
    if n < 2:
        return novelty, np.nan
    for genre in range(len(lengths)):
        squared += lengths[genre] * lengths[genre]
    similarity = (squared - n) / (n * (n - 1))
    return novelty, min(max(1.0 - similarity, 0.0), 1.0)


@compiled
def score_held_out(
    base: Floats, genre: Floats, cast: Floats, weights: Floats, held: Ints32, scores: Floats
) -> None:
    """The scores of a user's held-out movies."""
    for h in range(len(held)):
        score = base[held[h]] + weights[3] * genre[held[h]]
        scores[h] = score + weights[4] * cast[held[h]]


@compiled
def best_liked(places: Ints32, scores: Floats, held: Ints32, liked: Bools) -> int:
    """The liked held-out movie that comes first; -1 if none is liked."""
    best, bar = -1, -np.inf
    for h in range(len(held)):
        if liked[h] and (
            best < 0 or scores[h] > bar or (scores[h] == bar and places[held[h]] < places[best])
        ):
            best, bar = int(held[h]), scores[h]
    return best


@compiled
def lowest_score(
    base: Floats, genre: Floats, cast: Floats, weights: Floats, top: Ints32, n_top: int
) -> float:
    """The lowest score of a list of TOP, which the best TOP must reach; -inf of a shorter one.

    Whatever made the list, TOP different movies have at least this score.
    """
    if n_top < TOP:
        return -np.inf
    lowest = np.inf
    for place in range(TOP):
        score = base[top[place]] + weights[3] * genre[top[place]]
        lowest = min(lowest, score + weights[4] * cast[top[place]])
    return lowest


@compiled
def evaluate_users(  # noqa: C901 rows are made and used in one place, where they stay in cache
    world: World, batch: Batch, first: int, last: int, group: int, results: Results
) -> None:
    """Measure all configurations on the measured users from `first` up to `last`.

    `group` users at a time: their rows stay in the core's cache while each configuration's row of
    movies, made once for all of them, is used.
    """
    places, bits, set_of = world.places, world.bits, world.set_of
    set_starts, set_genres = world.set_starts, world.set_genres
    rating, mean, count = world.rating, world.popularity_mean, world.popularity_count
    discounts, ideal = world.discounts, world.ideal
    users, held_starts, all_held, all_liked = (
        world.users,
        world.held_starts,
        world.held,
        world.liked,
    )
    all_weights, popularity, genres = batch.weights, batch.popularity, batch.genre
    genre_of, cast_of = batch.genre_of, batch.cast_of
    all_values, shown, all_top = results.values, results.shown, results.top
    n_padded, n_sets = len(rating), len(world.set_starts) - 1
    blocks = n_padded // LANES
    met = np.zeros(world.n_people, dtype=np.int64)
    most_held, most_listed = 1, 0
    none, no_likings = np.empty(0, dtype=np.int32), np.empty(0)
    for e in range(first, last):
        most_held = max(most_held, world.held_starts[e + 1] - world.held_starts[e])
        n_listed = list_franchises(world, world.users[e], none, no_likings)
        most_listed = max(most_listed, n_listed)
    sums = np.empty((group, len(world.cast) + 1), dtype=np.int64)
    touched = np.empty((group, world.n_movies + 1), dtype=np.int32)
    n_touched = np.zeros(group, dtype=np.int64)
    parts, cast_likings = np.empty((3, world.n_movies), dtype=np.int64), np.empty(world.n_movies)
    listed = np.empty((group, most_listed), dtype=np.int32)
    likings = np.empty((group, most_listed))
    n_listed_of = np.zeros(group, dtype=np.int64)
    match, known = np.empty((group, n_sets)), np.empty((group, n_sets), dtype=np.bool_)
    by_set, common, base = np.empty(n_sets), np.empty(n_padded), np.empty(n_padded)
    genre, cast = np.empty((group, n_padded)), np.empty((group, n_padded))
    highest, most, franchise_highest = np.empty(blocks), np.empty(blocks), np.empty((group, blocks))
    genre_highest, cast_highest = np.empty((group, blocks)), np.empty((group, blocks))
    tops = np.empty((group, TOP), dtype=np.int32)
    n_tops = np.zeros(group, dtype=np.int64)
    found, movies = np.empty(4 * LANES), np.empty(4 * LANES, dtype=np.int32)
    top_scores, lane = np.empty(TOP), np.empty(LANES)
    held_scores, good, bad = np.empty(most_held), np.empty(most_held), np.empty(most_held)
    rank_of = np.zeros(world.n_movies, dtype=np.int32)
    lengths = np.empty(world.taste.shape[1])
    for start in range(first, last, group):
        here = min(group, last - start)
        n_tops[:] = 0
        for u in range(here):
            user = users[start + u]
            n_touched[u] = collect_evidence(world, user, met, sums[u], touched[u])
            match_genres(world, user, match[u], known[u])
            cast[u, :] = 0.5
            n_listed_of[u] = list_franchises(world, user, listed[u], likings[u])
            franchise_highest[u, :] = 0.5
            for n in range(n_listed_of[u]):
                block = listed[u, n] // LANES
                franchise_highest[u, block] = max(franchise_highest[u, block], likings[u, n])
        for c in range(len(all_weights)):
            weights = all_weights[c]
            new_genre = c == 0 or genre_of[c] != genre_of[c - 1]
            new_cast = c == 0 or cast_of[c] != cast_of[c - 1]
            score_movies(rating, mean, count, weights, popularity[c], common, base)
            find_highest(common, highest)
            neutral = weights[2] * 0.5
            for u in range(here):
                e = start + u
                user = users[e]
                if new_genre:
                    score_genres(
                        world,
                        user,
                        genres[genre_of[c]],
                        match[u],
                        known[u],
                        by_set,
                        genre[u],
                        genre_highest[u],
                    )
                if new_cast:
                    score_cast(
                        world,
                        batch,
                        cast_of[c],
                        sums[u],
                        touched[u, : n_touched[u]],
                        parts,
                        cast_likings,
                        cast[u],
                    )
                    find_highest(cast[u], cast_highest[u])
                mine, my_likings = listed[u, : n_listed_of[u]], likings[u]
                for n in range(len(mine)):
                    base[mine[n]] = common[mine[n]] + weights[2] * my_likings[n]
                held = all_held[held_starts[e] : held_starts[e + 1]]
                liked = all_liked[held_starts[e] : held_starts[e + 1]]
                scores = held_scores[: len(held)]
                score_held_out(base, genre[u], cast[u], weights, held, scores)
                wanted = best_liked(places, scores, held, liked)
                cut = lowest_score(base, genre[u], cast[u], weights, tops[u], n_tops[u])
                n_tops[u], n_before = select(
                    places,
                    base,
                    genre[u],
                    cast[u],
                    highest,
                    franchise_highest[u],
                    genre_highest[u],
                    cast_highest[u],
                    weights,
                    wanted,
                    cut,
                    most,
                    lane,
                    found,
                    movies,
                    top_scores,
                    tops[u],
                )
                for n in range(len(mine)):
                    base[mine[n]] = common[mine[n]] + neutral
                top = tops[u, : n_tops[u]]
                values = all_values[c, :, e]
                values[ACCURACY] = order_pairs(scores, liked, good, bad)
                values[NDCG], values[RECALL] = gain(discounts, ideal, held, liked, top, rank_of)
                values[MRR] = 1.0 / (n_before + 1) if wanted >= 0 else np.nan
                values[NOVELTY], values[DIVERSITY] = spread(
                    bits, set_of, set_starts, set_genres, top[:SHOWN], lengths
                )
                for place in range(min(len(top), SHOWN)):
                    shown[c, top[place]] = 1
                if len(all_top) > 0:
                    all_top[c, e, :] = -1
                    all_top[c, e, : len(top)] = top
