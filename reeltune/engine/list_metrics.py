"""Metrics of one user's list, compiled: the operations of their definitions, in the same order."""

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints32
from reeltune.engine.arrays import SHOWN, EngineIndex
from reeltune.engine.compile import compiled


@compiled
def order_pairs(scores: Floats, liked: Bools, good: Floats, bad: Floats) -> float:
    """Compute the share of pairs (liked, not liked) in the right order; NaN without such a pair."""
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
    index: EngineIndex, held: Ints32, liked: Bools, top: Ints32, rank_of: Ints32
) -> tuple[float, float]:
    """Compute NDCG and recall of a list; `rank_of` (M,) is all 0 before and after."""
    discounts, ideal = index.discounts, index.ideal
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
def spread(index: EngineIndex, top: Ints32, lengths: Floats) -> tuple[float, float]:
    """Compute novelty and diversity of a list; `lengths` (G,) is scratch."""
    bits, set_of, set_genres, shares = index.bits, index.set_of, index.set_genres, index.set_shares
    set_starts = index.set_starts
    surprise, n, squared = 0.0, 0, 0.0
    lengths[:] = 0.0
    for place in range(len(top)):
        surprise += bits[top[place]]
        its = set_of[top[place]]
        n += set_starts[its + 1] > set_starts[its]
        for entry in range(set_starts[its], set_starts[its + 1]):
            lengths[set_genres[entry]] += shares[its]
    novelty = surprise / len(top) if len(top) > 0 else np.nan
    if n < 2:
        return novelty, np.nan
    for genre in range(len(lengths)):
        squared += lengths[genre] * lengths[genre]
    similarity = (squared - n) / (n * (n - 1))
    return novelty, min(max(1.0 - similarity, 0.0), 1.0)
