"""Studies of Optuna: a run written as one, and one read in as a study with its trials."""

import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.domain.objectives import value_of
from reeltune.domain.space import (
    CategoricalParameter,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Parameter,
    Space,
)
from reeltune.studies.study import Study
from reeltune.studies.trial import Measurement

NEEDS_OPTUNA = "this needs Optuna, which is not installed: pip install optuna"
JOURNALS = (".log", ".journal")  # endings of Optuna's other kind of storage
CLIENT = "optuna"  # whose trials are read in


def write_optuna_study(
    run: TuningRun, experiments: Sequence[Experiment], space: Space, storage: str | Path
) -> int:
    """Write a run as a study of its name, which optuna-dashboard opens; return its trials.

    Shares of a sum and numbers in order have their own ranges: Optuna knows no more of them.

    Raises:
        InputError: Optuna is not installed, or the storage has a study of that name.
    """
    optuna = _optuna()
    directions = [direction.value for direction in run.directions]
    try:
        study = optuna.create_study(
            study_name=run.tuning_run_id, storage=_storage(optuna, storage), directions=directions
        )
    except optuna.exceptions.DuplicatedStudyError as error:
        message = f"{storage} has a study {run.tuning_run_id!r} already: name another file"
        raise InputError(message) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(run.objectives))
    for name in ("method", "model", "split", "seed", "data_fingerprint", "code_version"):
        study.set_user_attr(name, getattr(run, name))
    finished = [e for e in experiments if e.status in ("completed", "failed", "pruned")]
    study.add_trials([_trial(optuna, run, space, experiment) for experiment in finished])
    return len(finished)


def _trial(optuna: Any, run: TuningRun, space: Space, experiment: Experiment) -> Any:
    states = {"completed": "COMPLETE", "failed": "FAIL", "pruned": "PRUNED"}
    values = None
    if experiment.status == "completed":
        values = [
            value_of(name, experiment.metrics, experiment.duration_seconds)
            for name in run.objectives
        ]
    params = {
        name: value
        for name, value in experiment.hyperparameters.items()
        if name in space.hyperparameters and space.hyperparameters[name].searched
    }
    ended = datetime.fromisoformat(experiment.completed_at or experiment.created_at)
    ended = ended.astimezone(UTC).replace(tzinfo=None)
    attributes = {
        "experiment_id": experiment.experiment_id,
        "phase": experiment.exploration_phase,
        "lower_bound": experiment.lower_bound,
        "gain": experiment.improvement_from_baseline,
        "feasible": experiment.is_feasible,
        "error": experiment.error,
    }
    metrics = {f"metric {name}": value for name, value in experiment.metrics.items()}
    return optuna.trial.FrozenTrial(
        number=experiment.number,
        trial_id=-1,
        state=optuna.trial.TrialState[states[experiment.status]],
        value=None,
        values=values,
        datetime_start=ended - timedelta(seconds=experiment.duration_seconds or 0.0),
        datetime_complete=ended,
        params=params,
        distributions={n: _distribution(optuna, space.hyperparameters[n]) for n in params},
        user_attrs={k: v for k, v in (attributes | metrics).items() if v is not None},
        system_attrs={},
        intermediate_values={},
    )


def _distribution(optuna: Any, member: Parameter) -> Any:
    kinds = optuna.distributions
    if isinstance(member, CategoricalParameter):
        return kinds.CategoricalDistribution(member.choices)
    assert isinstance(member, Hyperparameter)
    if member.integer:
        return kinds.IntDistribution(int(member.low), int(member.high), log=member.log)
    return kinds.FloatDistribution(float(member.low), float(member.high), log=member.log)


def read_optuna_study(
    storage: str | Path, study_name: str | None, *, db: Path, name: str | None = None
) -> Study:
    """Read a study of Optuna into a study of ours, which then goes on from its trials.

    Args:
        storage: file of SQLite or a journal, or an address as Optuna takes it.
        study_name: which of the studies there; None: the only one.
        db: the database that it comes into.
        name: of the study there; None: the same name.

    Raises:
        InputError: Optuna is not installed, the storage has several studies, or one that cannot be
            meant: a parameter that not all trials have; or the study is there already.
        NotFoundError: there is no such study.
    """
    optuna = _optuna()
    if "://" not in str(storage) and not Path(storage).exists():
        raise NotFoundError(f"there is no file {str(storage)!r}")
    opened = _storage(optuna, storage)
    names = optuna.get_all_study_names(opened)
    if study_name is None and len(names) != 1:
        raise InputError(f"{storage} has {len(names)} studies, name one: {', '.join(names)}")
    if study_name is not None and study_name not in names:
        raise NotFoundError(f"{storage} has no study {study_name!r}; it has {', '.join(names)}")
    source = optuna.load_study(study_name=study_name or names[0], storage=opened)
    trials = [t for t in source.trials if t.state.is_finished()]
    space = _space(optuna, trials)
    metrics = _metrics(source)
    study = Study.create_or_load(name or source.study_name, space, metrics, db=db)
    if study.trials():
        raise InputError(f"there is a study {study.name!r} with trials already: give it a --name")
    for trial in trials:
        study.request(trial.params)
        (ours,) = study.suggest(client_id=CLIENT)
        values = None if trial.values is None else dict(zip(metrics, trial.values, strict=True))
        if values is None or trial.state.name != "COMPLETE":
            ours.complete(infeasible_reason=f"{trial.state.name.lower()} in Optuna")
        else:
            seconds = trial.duration.total_seconds() if trial.duration else 0.0
            ours.complete(Measurement(values, seconds))
    return study


def _metrics(source: Any) -> dict[str, Direction]:
    names = source.metric_names
    if names is None:
        n = len(source.directions)
        names = ["value"] if n == 1 else [f"value_{k}" for k in range(n)]
    directions = [Direction(each.name.lower()) for each in source.directions]
    return dict(zip(names, directions, strict=True))


def _space(optuna: Any, trials: Sequence[Any]) -> Space:
    """Return the space of all parameters, each as wide as any trial had it.

    Raises:
        InputError: there are no trials, or a parameter is in some of them only.
    """
    if not trials:
        raise InputError("the study has no finished trial: there is nothing to read")
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    partly = [name for name in names if any(name not in trial.params for trial in trials)]
    if partly:
        raise InputError(
            f"{', '.join(partly)}: only some trials have it, and Optuna does not say when it "
            "applies; a study is read in whose parameters all trials have"
        )
    return Space.of(*(_parameter(optuna, name, trials) for name in names))


def _parameter(optuna: Any, name: str, trials: Iterable[Any]) -> Parameter:
    kinds = optuna.distributions
    found = [trial.distributions[name] for trial in trials]
    first = found[0]
    if isinstance(first, kinds.CategoricalDistribution):
        choices = tuple(dict.fromkeys(choice for each in found for choice in each.choices))
        return CategoricalParameter(name=name, default=choices[0], choices=choices, meaning="")
    low, high = min(each.low for each in found), max(each.high for each in found)
    log = all(each.log for each in found)
    middle = (low * high) ** 0.5 if log else (low + high) / 2
    if isinstance(first, kinds.IntDistribution):
        return IntParameter(
            name=name, default=round(middle), low=low, high=high, log=log, meaning=""
        )
    return FloatParameter(name=name, default=middle, low=low, high=high, log=log, meaning="")


def _storage(optuna: Any, storage: str | Path) -> Any:
    if "://" in str(storage):
        return str(storage)
    path = Path(storage)
    if path.suffix in JOURNALS:
        backend = optuna.storages.journal.JournalFileBackend(str(path))
        return optuna.storages.JournalStorage(backend)
    return f"sqlite:///{path.absolute()}"


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise InputError(NEEDS_OPTUNA) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
