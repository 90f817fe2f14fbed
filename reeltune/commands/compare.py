"""Side-by-side comparison of two experiments or versions, on the validation set only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reeltune.cli.console import print_json, result_console
from reeltune.commands.retraining_tables import render_rules
from reeltune.components.hyperparameters import ACCURACY_THRESHOLD
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.tuning_runs import load_run
from reeltune.db.versions import load_version
from reeltune.domain.completion import with_defaults
from reeltune.domain.errors import InputError
from reeltune.domain.study import StudyConfig
from reeltune.gate.comparisons import MetricComparison
from reeltune.gate.gate import GateDecision, GateSettings, gate
from reeltune.gate.guardrails import GUARDRAIL_LEVEL, NO_MARGINS
from reeltune.ratings.dataset import Dataset
from reeltune.reports.contrast_tables import adjusted_p_values, render_contrasts
from reeltune.tasks.evidence import ConfiguredModel, gather
from reeltune.tasks.ratings import suited
from reeltune.tasks.registry import space_of
from reeltune.versioning.finalists import load_deployable
from reeltune.views.json_ready import json_ready

_VERSION = re.compile(r"v([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Comparison of one configuration with another, on the validation sets of both splits."""

    a: str  # what the other is compared with
    b: str
    study: StudyConfig
    judged: GateDecision
    contrasts: tuple[MetricComparison, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints, without NaN."""
        ready = json_ready(self)
        lines = zip(ready["contrasts"], adjusted_p_values(self.contrasts), strict=True)
        return ready | {
            "part": "validation",
            "verdict": self.judged.verdict,
            "said": self.judged.message,
            "contrasts": [line | {"adjusted_p_value": p_value} for line, p_value in lines],
        }


def compare(
    conn: Connection,
    data: Dataset,
    study: StudyConfig,
    a: str,
    b: str,
    margins: Mapping[str, float] = NO_MARGINS,
) -> Compared:
    """Measure `b` against `a`, each an experiment's id or a version as `v3`.

    Both are fitted again, to today's training part: that no rating has come in between, and no
    other code, makes the difference theirs.

    Raises:
        InputError: both name the same.
        NotFoundError: there is no such experiment or version.
    """
    if a == b:
        raise InputError(f"two different experiments or versions are compared, got {a!r} twice")
    study = suited(study, data)
    before, after = load_side(conn, a), load_side(conn, b)
    evidence = gather(data, study, "validation", before, after)
    contrasts = tuple(evidence.comparisons)
    terms = GateSettings(
        decision="nightly",
        objective=study.objective,
        split=study.split,
        accuracy_threshold=float(
            after.hyperparameters.get(ACCURACY_THRESHOLD.name, ACCURACY_THRESHOLD.default)
        ),
        level=GUARDRAIL_LEVEL,
        margins=dict(margins),
        part="validation",
        against=a,
        has_dislikes=data.ratings.has_dislikes,
    )
    figure = evidence.candidate[study.split].evaluation.values[terms.asks_for]
    judged = gate(terms, figure, contrasts, evidence.gains, popular=evidence.over_popularity)
    return Compared(a=a, b=b, study=study, judged=judged, contrasts=contrasts)


def load_side(conn: Connection, name: str) -> ConfiguredModel:
    """Return the configuration that an experiment's id, or a version as `v3`, means.

    Raises:
        NotFoundError: there is none.
    """
    version = _VERSION.fullmatch(name)
    if version is not None:
        training = load_version(conn, int(version[1])).training
        model, values = training.model, training.hyperparameters
    else:
        experiment = load_deployable(conn, name)
        model, values = load_run(conn, experiment.tuning_run_id).model, experiment.hyperparameters
    return ConfiguredModel(model, with_defaults(space_of(StudyConfig(model=model)), values))


def show_compared(
    db_path: Path,
    study: StudyConfig,
    a: str,
    b: str,
    margins: Mapping[str, float],
    *,
    as_json: bool,
) -> None:
    """Print how `b` compares with `a`; nothing is written."""
    with connection(db_path) as conn:
        found = compare(conn, load_dataset(conn), study, a, b, margins)
    if as_json:
        print_json(found.as_dict())
        return
    console = result_console()
    render_contrasts(console, "validation", (a, b), found.contrasts)
    console.print()
    verdicts = {"promote": "B is better", "refused": "B is refused"}
    verdict = verdicts.get(found.judged.verdict, "cannot tell")
    title = f"The gate's rules for B in A's place: {verdict}"
    render_rules(console, title, found.judged.rules, found.study.split)
