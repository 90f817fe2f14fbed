"""Centre of a grid: an experiment that it goes around in place of the deployed configuration."""

from dataclasses import replace

from reeltune.db.experiments import load_experiment
from reeltune.db.tuning_runs import load_run
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import Experiment
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer

BEST = "best"


def with_centre(tuner: Proposer, plan: Plan) -> Plan:
    """Return the plan with the values of the experiment that its grid goes around.

    So the stored run says all that its proposals depend on, whatever is best by the time it is
    resumed.

    Raises:
        InputError: the experiment is of another model or space.
        NotFoundError: there is no such experiment, or none is best yet.
    """
    if plan.around is None:
        return plan
    is_best = plan.around == BEST
    found = tuner.get_best_experiment() if is_best else _experiment(tuner, plan.around)
    grid = replace(plan.grid, around=tuple(found.hyperparameters.items()))
    return replace(plan, around=found.experiment_id, grid=grid)


def _experiment(tuner: Proposer, experiment_id: str) -> Experiment:
    found = load_experiment(tuner.conn, experiment_id)
    run = load_run(tuner.conn, found.tuning_run_id)
    if (run.model, run.space_fingerprint) != (tuner.task.model, tuner.space.fingerprint):
        raise InputError(
            f"--around must be an experiment of {tuner.task.model} with the hyperparameters it has "
            f"now, {experiment_id} is of {run.model}"
        )
    return found
