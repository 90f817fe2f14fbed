"""Warm starts: which configurations gained in a finished run, and on what data."""

from collections.abc import Mapping
from dataclasses import dataclass

from reeltune.domain.space import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Configuration that was better than the deployed one, and by how much."""

    gain: float  # in units of the objective
    hyperparameters: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartSource:
    """Finished run that later ones may start from, as stored."""

    pattern_id: int | None = None  # None until it is stored
    tuning_run_id: str
    created_at: str
    model: str
    objective: str
    split: str
    space_fingerprint: str
    profile: Mapping[str, float]  # of the data
    best: tuple[Gain, ...]  # the surest gain first; empty where nothing gained
    n_used: int = 0  # experiments of later runs that it started, and that have ended
    n_helped: int = 0  # of these, better than what was deployed


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """First experiment of a run that came from a source."""

    experiment_id: str
    pattern_id: int
    similarity: float  # of the data then and now, 0 to 1
    trust: float  # in the source, 0 to 1
    helped: bool | None = None  # None until its run has ended
