"""Study: its trials in a database, asked for and told by any number of processes at once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.experiments import load_experiments, save_experiment
from reeltune.db.trials import delete_study, delete_trials, last_trial_number, take_requested
from reeltune.db.tuning_runs import load_run, save_run
from reeltune.domain.clock import stamp
from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.experiment import TuningRun
from reeltune.domain.metric import Metric, metrics_of
from reeltune.domain.search_space import SearchSpace, as_space
from reeltune.domain.space import Space
from reeltune.domain.space_json import space_as_json, space_from_json
from reeltune.domain.study import NO_SPLIT, STUDY
from reeltune.stats.pareto import front
from reeltune.storage.run_lock import lock_path
from reeltune.studies.designer import (
    Designer,
    DesignerFactory,
    ProblemStatement,
    algorithm_name,
    designer_factory,
)
from reeltune.studies.records import completed, new_trial, trial_of
from reeltune.studies.trial import Measurement, Trial, TrialStatus, TrialSuggestion

DEFAULT_CLIENT = "default_client_id"
LONGEST_NAME = 100


class Study:
    """Search for the best parameters, by trials that clients ask for and complete.

    All of it is in the database. Each call is durable when it returns, and processes that die lose
    nothing: whoever asks again by the same `client_id` is given the trials that it left.
    """

    def __init__(self, db: Path, run: TuningRun, algorithm: str | DesignerFactory) -> None:
        stored = run.settings
        space, metrics = stored["space"], stored["metrics"]
        assert isinstance(space, list)
        assert isinstance(metrics, dict)
        self.db = db.absolute()
        self.name = run.tuning_run_id
        self.space: Space = space_from_json(space)
        self.metrics: Mapping[str, Metric] = metrics_of(metrics)
        self.algorithm = run.method
        self._run = run
        self._algorithm = algorithm

    @classmethod
    def create_or_load(
        cls,
        name: str,
        space: Space | SearchSpace,
        metrics: Mapping[str, Direction | str],
        algorithm: str | DesignerFactory = "bayesian",
        *,
        db: str | Path = "studies.db",
        seed: int = 0,
    ) -> "Study":
        """Return the study of that name, made if there is none; of several processes by one.

        Args:
            name: of the study, in its database.
            space: what is searched.
            metrics: `minimize` or `maximize` by name; the first decides where one has to.
            algorithm: a way of proposing, or what makes a designer of a problem statement.
            db: the database, made if it is missing; it may hold ratings and runs as well.
            seed: of everything random.

        Raises:
            InputError: something is wrong, or the study is there and is another one.
        """
        made = _new_study(name, as_space(space), metrics_of(metrics), algorithm, seed)
        designer_factory(algorithm, len(metrics))
        with connection(Path(db), create=True) as conn, transaction(conn):
            run = _load(conn, name)
            if run is None:
                save_run(conn, made)
                run = made
        _check_same(run, made)
        return cls(Path(db), run, algorithm)

    @classmethod
    def load(
        cls, name: str, *, db: str | Path = "studies.db", algorithm: DesignerFactory | None = None
    ) -> "Study":
        """Return a study that is there; one of a designer of your own needs it to suggest.

        Raises:
            NotFoundError: there is none of that name.
        """
        with connection(Path(db)) as conn:
            run = _load(conn, name)
        if run is None:
            raise NotFoundError(f"there is no study {name!r} in {str(db)!r}")
        return cls(Path(db), run, algorithm or run.method)

    def suggest(self, *, count: int = 1, client_id: str = DEFAULT_CLIENT) -> list[Trial]:
        """Return up to `count` trials for a client to try; fewer where nothing is left to try.

        First those that the client has and did not complete, then those that were requested, then
        new ones. Clients that work at the same time need an id each.

        Raises:
            InputError: `count` is below 1, or a designer's suggestion is not valid.
        """
        if count < 1:
            raise InputError(f"count must be 1 or more, got {count}")
        with self._suggesting() as conn:
            own = self._own(conn, client_id)
            if len(own) < count:
                with transaction(conn):
                    take_requested(conn, self.name, client_id, count - len(own))
                own = self._own(conn, client_id)
            if len(own) < count:
                suggestions = self._designed(conn, count - len(own))
                self._add(conn, suggestions, client_id)
                own = self._own(conn, client_id)
        return own[:count]

    def request(self, suggestion: TrialSuggestion | Mapping[str, Any]) -> Trial:
        """Queue parameters to be suggested before all that the algorithm suggests.

        Raises:
            InputError: they are not valid in the space.
        """
        given = suggestion if isinstance(suggestion, TrialSuggestion) else None
        chosen = TrialSuggestion(suggestion) if isinstance(suggestion, Mapping) else given
        assert chosen is not None
        with self._suggesting() as conn:
            self._add(conn, [chosen], None)
            return self._trials(conn)[-1]

    def trials(self, status: TrialStatus | str | None = None) -> list[Trial]:
        """Return all trials, or those of one status, by id."""
        wanted = None if status is None else TrialStatus(status)
        with connection(self.db) as conn:
            found = self._trials(conn)
        return [trial for trial in found if wanted is None or trial.status is wanted]

    def get_trial(self, id: int) -> Trial:  # noqa: A002 as trials call it
        """Return one trial.

        Raises:
            NotFoundError: there is none with that id.
        """
        for trial in self.trials():
            if trial.id == id:
                return trial
        raise NotFoundError(f"study {self.name!r} has no trial {id}")

    def optimal_trials(self) -> list[Trial]:
        """Return the completed trials that none beats in every metric; of one metric, the best.

        Equals stay together. Infeasible trials are none of them.
        """
        measured = [t for t in self.trials(TrialStatus.COMPLETED) if t.final_measurement]
        if not measured:
            return []
        values = [
            [m.direction.upwards(_value(trial, name)) for name, m in self.metrics.items()]
            for trial in measured
        ]
        chosen = front(np.array(values))
        return [trial for trial, is_best in zip(measured, chosen, strict=True) if is_best]

    def delete(self) -> None:
        """Remove the study and its trials from the database."""
        with connection(self.db) as conn, transaction(conn):
            delete_trials(conn, self.name)
            delete_study(conn, self.name)

    def _own(self, conn: Connection, client_id: str) -> list[Trial]:
        """Return the trials that a client has and did not complete, by id."""
        return [
            trial
            for trial in self._trials(conn)
            if trial.status is TrialStatus.ACTIVE and trial.client_id == client_id
        ]

    def _trials(self, conn: Connection) -> list[Trial]:
        return [trial_of(each, self._completed) for each in load_experiments(conn, self.name)]

    def _designed(self, conn: Connection, count: int) -> Sequence[TrialSuggestion]:
        """Return what the algorithm suggests after all trials that there are."""
        factory = designer_factory(self._algorithm, len(self.metrics))
        designer: Designer = factory(ProblemStatement(self.space, self.metrics, self._run.seed))
        known = self._trials(conn)
        done = [trial for trial in known if trial.status is TrialStatus.COMPLETED]
        designer.update(done, [trial for trial in known if trial not in done])
        return designer.suggest(count)[:count]

    def _add(
        self, conn: Connection, suggestions: Sequence[TrialSuggestion], client_id: str | None
    ) -> None:
        """Store suggestions as trials of a client; of none, as requested."""
        parameters = [self.space.checked(each.parameters) for each in suggestions]
        with transaction(conn):
            first = 1 + last_trial_number(conn, self.name)
            for number, values in enumerate(parameters, first):
                save_experiment(conn, new_trial(self._run, number, values, client_id))

    def _completed(
        self, trial: Trial, measurement: Measurement | None, reason: str | None
    ) -> Trial:
        """Store what came of a trial; as it is stored from now on."""
        with connection(self.db) as conn:
            completed(conn, self._run, self.metrics, trial.id, measurement, reason)
        return replace(trial, final_measurement=measurement, infeasibility_reason=reason)

    @contextmanager
    def _suggesting(self) -> Iterator[Connection]:
        """Hold what one process at a time holds: who suggests knows of all suggestions before.

        The system frees it if the process dies. Trials are completed meanwhile.
        """
        lock = lock_path(self.db)
        with FileLock(lock.with_name(f"{lock.name}.suggest")), connection(self.db) as conn:
            yield conn


def _new_study(
    name: str,
    space: Space,
    metrics: Mapping[str, Metric],
    algorithm: str | DesignerFactory,
    seed: int,
) -> TuningRun:
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise InputError(
            f"a study's name must have 1 to {LONGEST_NAME} printable characters, got {name!r}"
        )
    directions = [metric.direction.value for metric in metrics.values()]
    objective, *further = metrics
    return TuningRun(
        tuning_run_id=name,
        created_at=stamp(),
        started_at=stamp(),
        method=algorithm_name(algorithm),
        objective=objective,
        task=STUDY,
        model=name,
        split=NO_SPLIT,
        space_fingerprint=space.fingerprint,
        seed=seed,
        n_configs=0,
        settings={
            "space": space_as_json(space),
            "metrics": dict(zip(metrics, directions, strict=True)),
            "directions": directions,
            "further_objectives": further,
        },
        data_fingerprint="",
        history_cutoff=0,
        status="running",
    )


def _load(conn: Connection, name: str) -> TuningRun | None:
    """Return the study of that name, if there is one.

    Raises:
        InputError: there is something else of that name.
    """
    try:
        run = load_run(conn, name)
    except NotFoundError:
        return None
    if run.task != STUDY:
        raise InputError(f"{name!r} is no study, but a run that tunes a {run.task}")
    return run


def _check_same(run: TuningRun, made: TuningRun) -> None:
    """Refuse to take a study for another one.

    Raises:
        InputError: it is another; all that differs is named.
    """
    differing = {
        "space": run.space_fingerprint != made.space_fingerprint,
        "metrics": run.settings["metrics"] != made.settings["metrics"]
        or run.objectives != made.objectives,
        "algorithm": run.method != made.method,
        "seed": run.seed != made.seed,
    }
    wrong = [what for what, differs in differing.items() if differs]
    if wrong:
        raise InputError(
            f"there is a study {run.tuning_run_id!r} with another {' and '.join(wrong)}: give it "
            "another name, or load it"
        )


def _value(trial: Trial, metric: str) -> float:
    assert trial.final_measurement is not None
    return float(trial.final_measurement.metrics[metric])
