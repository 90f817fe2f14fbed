"""Figures as people read them."""

from reeltune.domain.study import RATINGS


def figure(value: float, task: str = RATINGS) -> str:
    """Return a value of a metric: those of ratings are shares, all else is of any size.

    >>> figure(0.71239), figure(1234567.0, "function"), figure(3.2e-7, "function")
    ('0.7124', '1.23457e+06', '3.2e-07')
    """
    return f"{value:.4f}" if task == RATINGS else f"{value:.6g}"


def gain_figure(gain: float, task: str = RATINGS) -> str:
    """Return a gain, with its sign.

    >>> gain_figure(0.01239), gain_figure(-1234.5, "function")
    ('+0.0124', '-1234')
    """
    return f"{gain:+.4f}" if task == RATINGS else f"{gain:+.4g}"
