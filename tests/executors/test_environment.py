import os

import pytest

from reeltune.executors import cores, environment
from reeltune.executors.environment import thread_limits


@pytest.mark.parametrize(
    ("n_cores", "jobs", "share"), [(8, 2, "4"), (8, 3, "2"), (2, 2, "1"), (2, 9, "1")]
)
def test_jobs_share_the_cores(
    n_cores: int, jobs: int, share: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "physical_cores", lambda: n_cores)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with thread_limits(jobs):
        assert os.environ["OMP_NUM_THREADS"] == share
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(("set_by_user", "kept"), [("1", "1"), ("9", "4"), ("4,2", "4")])
def test_a_lower_number_of_the_users_stays(
    set_by_user: str, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "physical_cores", lambda: 4)
    monkeypatch.setenv("NUMBA_NUM_THREADS", set_by_user)
    with thread_limits(1):
        assert os.environ["NUMBA_NUM_THREADS"] == kept
    assert os.environ["NUMBA_NUM_THREADS"] == set_by_user


def test_the_environment_comes_back_after_an_error() -> None:
    before = dict(os.environ)
    with pytest.raises(ValueError, match="stop"), thread_limits(1):
        raise ValueError("stop")
    assert dict(os.environ) == before


def test_there_is_at_least_one_core_and_no_more_than_logical_ones() -> None:
    assert 1 <= cores.physical_cores() <= (os.cpu_count() or 1)
