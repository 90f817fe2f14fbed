"""The same rankings and metrics in plain Python, by the definitions, pair by pair."""

import math
from itertools import combinations

from reeltune.metrics.ranking import tie_order
from tests.metrics.small_data import SmallData

Values = list[float]


def rankings(data: SmallData) -> list[list[int]]:
    """Each user's candidates, best first."""
    places = tie_order(data.table.movie_ids).tolist()
    scores = data.scores.tolist()
    rated = {(int(r[0]), int(r[1])) for r in _rows(data, fitting=True)}
    return [
        sorted(
            (m for m in range(data.table.n_movies) if (user, m) not in rated),
            key=lambda m: (-scores[user][m], places[m]),
        )
        for user in range(data.table.n_users)
    ]


def values(data: SmallData) -> dict[str, Values]:
    """Every metric, of each user or of all."""
    ranked = rankings(data)
    users = range(data.table.n_users)
    held = [[(int(m), r) for u, m, r in _rows(data) if u == user] for user in users]
    liked = [[m for m, r in held[user] if r >= 4] for user in users]
    top = [ranked[user][:10] if held[user] else [] for user in users]
    raters: dict[int, set[int]] = {}
    for u, m, _ in _rows(data, fitting=True):
        raters.setdefault(int(m), set()).add(int(u))
    n_raters = max(1, len(set().union(*raters.values())))
    ranks = [[ranked[user].index(m) + 1 for m in liked[user]] for user in users]
    shown = {m for movies in top for m in movies}
    accuracies = [_accuracy(held[u], data.scores[u].tolist()) for u in users]
    gains = [_ndcg(each) for each in ranks]
    return {
        "accuracy": accuracies,
        "ndcg@10": gains,
        "balanced": [0.5 * a + 0.5 * b for a, b in zip(accuracies, gains, strict=True)],
        "recall@20": [_mean([float(r <= 20) for r in each]) for each in ranks],
        "mrr": [1 / min(each) if each else math.nan for each in ranks],
        "coverage@10": [len(shown) / data.table.n_movies if any(held) else math.nan],
        "novelty": [
            _mean([-math.log2(len(raters.get(m, {0})) / n_raters) for m in movies])
            for movies in top
        ],
        "diversity": [_diversity(data, movies) for movies in top],
    }


def _rows(data: SmallData, *, fitting: bool = False) -> list[tuple[float, float, float]]:
    table = data.fitting if fitting else data.held_out
    return list(
        zip(table.users.tolist(), table.movies.tolist(), table.ratings.tolist(), strict=True)
    )


def _mean(numbers: Values) -> float:
    return sum(numbers) / len(numbers) if numbers else math.nan


def _accuracy(held: list[tuple[int, float]], scores: Values) -> float:
    return _mean(
        [
            float(scores[good] > scores[bad]) + 0.5 * float(scores[good] == scores[bad])
            for good, good_rating in held
            for bad, bad_rating in held
            if good_rating >= 4 > bad_rating
        ]
    )


def _ndcg(ranks: list[int]) -> float:
    best = sum(1 / math.log2(place + 1) for place in range(1, min(len(ranks), 10) + 1))
    return sum(1 / math.log2(r + 1) for r in ranks if r <= 10) / best if ranks else math.nan


def _diversity(data: SmallData, movies: list[int]) -> float:
    starts, genres = data.catalogue.genre_starts, data.catalogue.genres.tolist()
    sets = [set(genres[starts[m] : starts[m + 1]]) for m in movies]
    return _mean(
        [
            1 - len(a & b) / math.sqrt(len(a) * len(b))
            for a, b in combinations([each for each in sets if each], 2)
        ]
    )
