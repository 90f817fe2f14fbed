"""Finds the number by which an outside id is stored, and remembers those that need one."""

from collections.abc import Callable, Iterable

from reeltune.db.connection import Connection
from reeltune.db.external_ids import load_external_ids, save_external_ids
from reeltune.domain.external_ids import FIRST_GENERATED, Kind, generated_id, plain_number
from reeltune.importers.values import BadRowError

MAX_ID_CHARACTERS = 200


class Ids(dict[str, int]):
    """Our id by theirs, worked out when it is first asked for.

    Asking costs one look into a dictionary for all but the first time. Without a database nothing
    is known before, and nothing can be saved.
    """

    def __init__(
        self, conn: Connection | None, kind: Kind, check: Callable[[str], str] | None = None
    ) -> None:
        super().__init__()
        self.conn, self.kind = conn, kind
        self._check = check or check_text_id
        self._known = {} if conn is None else load_external_ids(conn, kind)
        self._taken = set(self._known.values())
        self._new: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def __missing__(self, text: str) -> int:
        """Return the id of `text`; raise BadRowError where it is none."""
        found = self[text] = self._find(self._check(text))
        return found

    def save(self, used: Iterable[int]) -> None:
        """Keep what was given a number, of those in `used`."""
        assert self.conn is not None, "nothing can be saved without a database"
        wanted = set(used)
        new = {text: number for text, number in self._new.items() if number in wanted}
        save_external_ids(self.conn, self.kind, new)

    def name_of(self, number: int) -> str:
        """Return what an id is called outside."""
        if number < FIRST_GENERATED:
            return str(number)
        if number not in self._names:
            self._names |= {number: text for text, number in self._known.items()}
        return self._names.get(number, str(number))

    def _find(self, text: str) -> int:
        known = self._known.get(text)
        number = plain_number(text) if known is None else known
        return self._generated(text) if number is None else number

    def _generated(self, text: str) -> int:
        attempt = 0
        while (number := generated_id(self.kind, text, attempt)) in self._taken:
            attempt += 1
        self._taken.add(number)
        self._known[text] = self._new[text] = number
        return number


def digits_of(name: str) -> Callable[[str], str]:
    """Return a check that an id is a whole number, 0 or more, and keeps its leading zeros.

    `862.0`, as pandas writes it beside empty cells, is 862.

    >>> digits_of("userId")(" 007 "), digits_of("movieId")("862.0")
    ('007', '862')
    """

    def check(text: str) -> str:
        digits = text.strip().removesuffix(".0")
        if len(digits) <= MAX_ID_CHARACTERS and digits.isascii() and digits.isdigit():
            return digits
        raise BadRowError(f"{name} is not a whole number")

    return check


def check_text_id(text: str) -> str:
    """Return an id without spaces around it.

    >>> check_text_id(" a7f1 ")
    'a7f1'
    """
    stripped = text.strip()
    if not stripped:
        raise BadRowError("id is empty")
    if len(stripped) > MAX_ID_CHARACTERS:
        raise BadRowError(f"id is longer than {MAX_ID_CHARACTERS} characters")
    return stripped
