"""Promotion of a registered version through the gate: judged against production, then put there."""

from collections.abc import Mapping
from dataclasses import replace

from reeltune.db.connection import Connection
from reeltune.db.tuning_runs import load_run
from reeltune.db.versions import load_production, load_version
from reeltune.domain.errors import GateError, InputError
from reeltune.domain.study import StudyConfig
from reeltune.domain.version import Version
from reeltune.gate.gate import GateDecision
from reeltune.ratings.dataset import Dataset
from reeltune.tasks.evidence import Evidence
from reeltune.versioning.registry import promote
from reeltune.versioning.request import Retraining, RetrainingRequest
from reeltune.versioning.retraining import Retrainer


class _Promoter(Retrainer):
    """Retraining that fits nothing anew: what passes the gate is a version that there is."""

    def __init__(
        self, conn: Connection, data: Dataset, version: Version, request: RetrainingRequest
    ) -> None:
        super().__init__(conn, data, request)
        self.version = version

    def _acted(
        self, result: Retraining, judged: GateDecision, evidence: Evidence, number: int
    ) -> Retraining:
        """Promote what passed."""
        version = self.version.version
        if judged.verdict != "promote":
            return replace(result, verdict=judged.verdict, version=version)
        stored: Mapping[str, object] = judged.as_evidence() | {"look": number, "panel": self.panel}
        expected = None if self.production is None else self.production.version
        promote(self.conn, version, self.request.reason, stored, expected_production=expected)
        return replace(result, verdict="promoted", version=version)


def promote_through_gate(
    conn: Connection, data: Dataset, version: int, reason: str
) -> Retraining | None:
    """Promote a version if the gate lets its configuration pass; None if it is in production.

    Its configuration is fitted without the test part and measured on it beside that in production,
    as when a person applies hyperparameters; that counts as a test-set evaluation.

    Raises:
        GateError: the gate refused it, or cannot tell.
        InputError: there is nobody to measure it on, or it may not be promoted.
        NotFoundError: there is no such version.
        StorageError: its artifact cannot be trusted.
    """
    found = load_version(conn, version)
    if found.status == "refused":
        raise InputError(f"version {version} was refused and cannot be promoted")
    production = load_production(conn)
    if production is not None and production.version == version:
        return None
    request = RetrainingRequest(
        study=_study_of(conn, found),
        hyperparameters=found.training.hyperparameters,
        reason=reason,
        force=True,
    )
    result = _Promoter(conn, data, found, request).run()
    if result.verdict == "promoted":
        return result
    if result.verdict in ("refused", "cannot tell"):
        raise GateError(f"version {version} is not promoted: {result.verdict}: {result.said}")
    raise InputError(f"version {version} is not promoted: {result.said}")


def _study_of(conn: Connection, version: Version) -> StudyConfig:
    """Return under which study a version is judged: that of the run it came from, if it did."""
    training = version.training
    study = StudyConfig(model=training.model, split=training.split)
    if training.tuning_run_id is None:
        return study
    return replace(study, objective=load_run(conn, training.tuning_run_id).objective)
