"""Plain text: text from outside made safe to print, without newlines and terminal codes."""


def plain_text(text: str, encoding: str = "utf-8") -> str:
    r"""Return `text` in one line, with unprintable characters escaped.

    >>> plain_text("out of\n memory \x1b[31m")
    'out of  memory \\x1b[31m'
    >>> plain_text("Amélie", encoding="ascii")
    'Am\\xe9lie'
    """
    line = "".join(" " if c in "\n\r\t" else c for c in text.rstrip())
    shown = "".join(c if c.isprintable() else _written_out(c) for c in line)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
