"""Genres of made-up works: MovieLens's genres, and which of them go together."""

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints

_SHARES = {  # how common each is among works
    "Action": 0.17,
    "Adventure": 0.12,
    "Animation": 0.06,
    "Children": 0.06,
    "Comedy": 0.34,
    "Crime": 0.12,
    "Documentary": 0.05,
    "Drama": 0.44,
    "Fantasy": 0.08,
    "Film-Noir": 0.01,
    "Horror": 0.10,
    "Musical": 0.03,
    "Mystery": 0.06,
    "Romance": 0.16,
    "Sci-Fi": 0.10,
    "Thriller": 0.19,
    "War": 0.04,
    "Western": 0.02,
}
_COMPANIONS = {
    "Action": "Adventure Crime Sci-Fi Thriller War Western",
    "Adventure": "Animation Children Fantasy Sci-Fi Western",
    "Animation": "Children Comedy Fantasy Musical",
    "Children": "Comedy Fantasy Musical",
    "Comedy": "Romance Musical",
    "Crime": "Drama Film-Noir Mystery Thriller",
    "Drama": "Romance War",
    "Film-Noir": "Mystery Thriller",
    "Horror": "Mystery Sci-Fi Thriller",
    "Musical": "Romance",
    "Mystery": "Thriller",
    "Sci-Fi": "Thriller",
}
_TOGETHER, _APART, _WITH_DOCUMENTARY = 2.5, 0.35, 0.08
_HOW_MANY = (0.02, 0.28, 0.33, 0.24, 0.10, 0.03)  # share of works with 0, 1, 2, ... genres

GENRES = tuple(_SHARES)
_KEYWORDS = {
    "dark": "Crime Film-Noir Horror Mystery Thriller",
    "bold": "Action Adventure Fantasy Sci-Fi War Western",
    "bright": "Animation Children Comedy Musical",
    "tender": "Documentary Drama Romance",
}
PALETTES = {name: palette for palette, names in _KEYWORDS.items() for name in names.split()}


def draw_genres(rng: np.random.Generator, n_works: int) -> tuple[Bools, Ints]:
    """Return (W, G) the genres of each work, and (W,) the position of its main one; 2 % have none.

    One genre after the other, each by how common it is and how well it goes with those before.
    """
    shares, lift = np.array(list(_SHARES.values())), _lift()
    chances = np.tile(shares, (n_works, 1))  # (W, G)
    wanted = rng.choice(len(_HOW_MANY), size=n_works, p=_HOW_MANY)
    genres = np.zeros((n_works, len(GENRES)), dtype=np.bool_)
    main = np.zeros(n_works, dtype=np.int64)
    works = np.arange(n_works)
    for number in range(len(_HOW_MANY) - 1):
        clocks = rng.exponential(size=chances.shape) / np.maximum(chances, 1e-300)
        drawn = clocks.argmin(axis=1)  # (W,)
        main = drawn if number == 0 else main
        genres[works, drawn] |= wanted > number
        chances *= lift[drawn]
    return genres, main


def _lift() -> Floats:
    """Return (G, G) how much likelier one genre gets with another; 0 with itself."""
    lift = np.full((len(GENRES), len(GENRES)), _APART)
    lone = GENRES.index("Documentary")
    lift[lone, :] = lift[:, lone] = _WITH_DOCUMENTARY
    for name, companions in _COMPANIONS.items():
        for companion in companions.split():
            one, other = GENRES.index(name), GENRES.index(companion)
            lift[one, other] = lift[other, one] = _TOGETHER
    np.fill_diagonal(lift, 0.0)
    return lift
