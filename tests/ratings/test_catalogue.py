"""Catalogue: what is known of some of its movies."""

import numpy as np

from reeltune.tasks.examples import example_of_ratings


def test_of_some_movies_each_has_what_it_had_and_one_that_is_not_there_nothing() -> None:
    whole = example_of_ratings(0).data.catalogue
    ids = np.array([3, 7, 10_000])
    some = whole.of_movies(ids)
    known = np.searchsorted(whole.movie_ids, ids[:2])
    for name in ("collections", "release_years"):
        found, all_of_them = getattr(some, name), getattr(whole, name)
        np.testing.assert_array_equal(found[:2], all_of_them[known])
        assert len(found) == 3
    assert some.release_years[2] == 0
    assert some.collections[2] == -1
