"""A recommender whose one hyperparameter says in which way it goes wrong."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import Configuration, Hyperparameter, Single, Space
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

LIVES = "REELTUNE_TEST_LIVES"  # names a file that says how often a worker is still to die


def raises() -> None:
    raise ValueError("made to\nfail \x1b[2J\u202e" + "x" * 10_000)


def exits() -> None:
    sys.exit(0)


def interrupts() -> None:
    raise KeyboardInterrupt


def hangs() -> None:
    ctypes.PyDLL(None).sleep(1000)  # and holds the interpreter's lock


def sleeps_through_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)


def eats_memory() -> None:
    eaten = []
    while True:
        eaten.append(np.ones(1 << 22))


def vanishes() -> None:
    os._exit(0)


def segfaults() -> None:
    ctypes.string_at(0)


def forks() -> None:
    if os.fork() == 0:
        time.sleep(1000)


def prints_garbage() -> None:
    print("\x1b[2J garbage")
    os.write(1, b"\xff\x00 garbage" * 10_000)


def closes_everything() -> None:
    os.closerange(0, 256)


def recurses() -> None:
    recurses()


def dies_until_its_lives_are_spent() -> None:
    path = Path(os.environ.get(LIVES, os.devnull))
    lives = int(path.read_text() or "0")
    if lives:
        path.write_text(str(lives - 1))
        os.kill(os.getpid(), signal.SIGKILL)


# what it does, and whether it fails; with what in its reason
WAYS: tuple[tuple[Callable[[], None] | None, str | None], ...] = (
    (None, None),
    (raises, "ValueError: made to fail"),
    (exits, "SystemExit"),
    (interrupts, "KeyboardInterrupt"),
    (hangs, "took longer than"),
    (sleeps_through_signals, "took longer than"),
    (eats_memory, "MemoryError"),
    (vanishes, "worker process died (exit code 0)"),
    (segfaults, "worker process died (SIGSEGV)"),
    (forks, None),
    (prints_garbage, None),
    (closes_everything, "worker process died"),
    (recurses, "RecursionError"),
    (dies_until_its_lives_are_spent, None),
)
MORTAL = len(WAYS) - 1
NAN, INFINITE, SHORT = len(WAYS), len(WAYS) + 1, len(WAYS) + 2


class Bad:
    """Does what its `way` says; the highest are bad scores."""

    space: ClassVar[Space] = Space(
        (
            Single(
                Hyperparameter(
                    name="way", default=0, low=0, high=SHORT, integer=True, meaning="how it fails"
                )
            ),
        )
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.way = int(hyperparameters["way"])
        self.worth: Floats = np.zeros(0)

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        what = WAYS[self.way][0] if self.way < len(WAYS) else None
        if what is not None:
            what()
        self.worth = np.bincount(ratings.movies, minlength=ratings.n_movies).astype(np.float64)
        return self

    def score(self, users: Ints) -> Floats:
        scores = np.tile(self.worth, (len(users), 1))
        if self.way in (NAN, INFINITE):
            scores[:, ::2] = np.nan if self.way == NAN else np.inf
        return scores[:, :-1] if self.way == SHORT else scores

    def arrays(self) -> dict[str, AnyArray]:
        return {"worth": self.worth}

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        self.worth = arrays["worth"].astype(np.float64)
        return self
