"""Makes titles of movies and names of people from the words of demo_words."""

import re
from collections.abc import Sequence

import numpy as np

from reeltune.importers.demo_words import (
    ADJECTIVES,
    FIRST_NAMES,
    MIDDLES,
    NOUNS,
    PATTERNS,
    PLACE_ENDS,
    PLACE_STARTS,
    SUBTITLES,
    SURNAME_ENDS,
    SURNAME_STARTS,
)

_ARTICLES = ("The", "A", "An")


class TitleMaker:
    """Makes titles, no two alike."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._taken: set[str] = set()

    def draw_title(self, palette: str) -> str:
        """Return a title not given before, in words of the palette (of demo_genres.PALETTES)."""
        while True:
            title = self._fill(self._pick(PATTERNS), palette)
            if title not in self._taken:
                self._taken.add(title)
                return title

    def draw_series(self, palette: str, n_parts: int) -> tuple[str, list[str]]:
        """Return a franchise's name and its parts' titles: 'X', 'X 2' ... or 'X: Something' ..."""
        name = self.draw_title(palette)
        if self._rng.random() < 0.5:
            return name, [name, *(f"{name} {part}" for part in range(2, n_parts + 1))]
        patterns = [SUBTITLES[i] for i in self._rng.permutation(len(SUBTITLES))[: n_parts - 1]]
        return name, [name, *(f"{name}: {self._fill(pattern, palette)}" for pattern in patterns)]

    def _fill(self, pattern: str, palette: str) -> str:
        nouns = NOUNS[palette]
        noun = int(self._rng.random() * len(nouns))
        words = {
            "adjective": self._pick(ADJECTIVES[palette]),
            "noun": nouns[noun],
            "other": nouns[(noun + 1 + int(self._rng.random() * (len(nouns) - 1))) % len(nouns)],
            "place": self._pick(PLACE_STARTS) + self._pick(PLACE_ENDS),
            "name": self._pick(FIRST_NAMES),
            "number": str(4 + int(self._rng.random() * 95)),
        }
        return re.sub(r"^A (?=[AEIOU])", "An ", pattern.format(**words))

    def _pick(self, words: Sequence[str]) -> str:
        return words[int(self._rng.random() * len(words))]


def filed_title(title: str, year: int) -> str:
    """Return the title as MovieLens writes it: article behind, year in brackets.

    >>> filed_title("The Quiet Ferry", 1994)
    'Quiet Ferry, The (1994)'
    """
    article, _, rest = title.partition(" ")
    if article in _ARTICLES:
        title = f"{rest}, {article}"
    return f"{title} ({year})"


def draw_people_names(rng: np.random.Generator, n_people: int) -> list[str]:
    """Return a name per person; some share one, as people do."""
    parts = (FIRST_NAMES, MIDDLES, SURNAME_STARTS, SURNAME_ENDS)
    drawn = [[words[i] for i in rng.integers(len(words), size=n_people)] for words in parts]
    return [
        f"{first} {middle}{start}{end}" for first, middle, start, end in zip(*drawn, strict=True)
    ]
