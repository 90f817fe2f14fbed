"""Facts by which it is decided whether to search tonight, from the database and the ratings."""

from datetime import UTC, datetime, timedelta

from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import load_verdicts, load_watched
from reeltune.db.tuning_runs import load_runs
from reeltune.db.versions import load_production, load_versions
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import TuningRun
from reeltune.domain.study import StudyConfig
from reeltune.domain.version import Version
from reeltune.monitoring.backlog import count_behind
from reeltune.monitoring.drift import find_drift
from reeltune.monitoring.retuning import RetuningFacts
from reeltune.ratings.dataset import Dataset


def gather_retuning_facts(conn: Connection, data: Dataset, study: StudyConfig) -> RetuningFacts:
    """Return what is known of the latest completed search of a study, and of what came since.

    What ratings it knew is told by a version that was decided on the same ratings, as each night
    leaves one; where there is none, only its age counts.
    """
    production = load_production(conn)
    run = _latest_search(conn, study)
    if production is None or run is None:
        return RetuningFacts(has_production=production is not None, age_days=None)
    age = datetime.fromisoformat(stamp()) - datetime.fromisoformat(run.created_at).astimezone(UTC)
    version = _decided_on(conn, run.data_fingerprint)
    return RetuningFacts(
        has_production=True,
        age_days=age / timedelta(days=1),
        n_known=None if version is None else version.training.n_ratings,
        n_new=0 if version is None else count_behind(conn, version),
        drifted=() if version is None else _drifted(conn, version, data),
        gain_open=load_verdicts(conn, "nightly")[:1] == ["cannot tell"],
    )


def _latest_search(conn: Connection, study: StudyConfig) -> TuningRun | None:
    wanted = study.model, study.split, study.objectives
    found = [
        run
        for run in load_runs(conn)
        if run.status == "completed" and (run.model, run.split, run.objectives) == wanted
    ]
    return found[-1] if found else None


def _decided_on(conn: Connection, data_fingerprint: str | None) -> Version | None:
    versions = load_versions(conn)
    found = [each for each in versions if each.training.data_fingerprint == data_fingerprint]
    return next((each for each in found if load_watched(conn, each.version)), None) or next(
        iter(found), None
    )


def _drifted(conn: Connection, version: Version, data: Dataset) -> tuple[str, ...]:
    watched = load_watched(conn, version.version)
    if watched is None:
        return ()
    found = find_drift(data, watched[1].newest_rated_at)
    return tuple(each.name for each in found if each.drifted)
