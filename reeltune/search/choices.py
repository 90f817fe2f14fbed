"""Variation of categories on the cube, where their order means nothing."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints

LEARNED = 0.3  # of its shares, what a category takes from one generation
AT_START = 0.5  # share of the choice that a search begins with, beside an even part of the rest


def redrawn(
    moved: Floats, centres: Floats, mask: Bools, n_choices: Ints, rng: np.random.Generator
) -> Floats:
    """Return `moved` (..., D) with each category drawn anew where `mask` says so, else as before.

    Without categories no random number is drawn.

    Args:
        moved: the centres after steps, which mean something for numbers alone.
        centres: (..., D) where they were before.
        mask: (..., D) which axes are moved.
        n_choices: (D,) choices of each axis; 0 for numbers.
    """
    if not n_choices.any():
        return moved
    anew = np.where(mask, rng.random(moved.shape), centres)
    found: Floats = np.where(n_choices > 0, anew, moved)
    return found


@dataclass(frozen=True, eq=False)
class Shares:
    """Chances of being drawn of the choices of each of K categories.

    Source: Baluja 1994, "Population-based incremental learning"; the least chance of a choice as in
    Hamano et al. 2024, "CatCMA: stochastic optimization for mixed-category problems".
    """

    shares: tuple[Floats, ...]  # (n,) each, of sum 1

    @classmethod
    def around(cls, point: Floats, n_choices: Ints) -> "Shares":
        """Return shares that favour the choices at `point` (K,)."""
        places = _places(point[None], n_choices)[0]
        pairs = zip(places, n_choices.tolist(), strict=True)
        return cls(tuple(AT_START * np.eye(n)[k] + (1 - AT_START) / n for k, n in pairs))

    @property
    def modes(self) -> Floats:
        """Places (K,) of the likeliest choices."""
        found = [(np.argmax(each) + 0.5) / len(each) for each in self.shares]
        return np.array(found, dtype=np.float64)

    def updated(self, points: Floats, values: Floats) -> "Shares":
        """Return the shares after a generation of `points` (N, K) that were worth `values` (N,)."""
        good = np.argsort(-values, kind="stable")[: max(1, len(values) // 2)]
        n_choices = np.array([len(each) for each in self.shares], dtype=np.int64)
        places = _places(points[good], n_choices)  # (G, K)
        found = []
        for k, old in enumerate(self.shares):
            seen = np.bincount(places[:, k], minlength=len(old)) / len(good)
            least = 1 / (len(values) * len(old))
            new = np.maximum((1 - LEARNED) * old + LEARNED * seen, least)
            found.append(new / new.sum())
        return Shares(tuple(found))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return (K,) places of choices, drawn by their shares."""
        found = [(rng.choice(len(each), p=each) + 0.5) / len(each) for each in self.shares]
        return np.array(found, dtype=np.float64)


def _places(points: Floats, n_choices: Ints) -> Ints:
    """Return (N, K) which choice lies at each of `points` (N, K)."""
    found: Ints = np.minimum(n_choices - 1, (points * n_choices).astype(np.int64))
    return found
