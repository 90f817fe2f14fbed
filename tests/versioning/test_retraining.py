"""What is promoted, kept and refused: by night, by hand, with and without a version before."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments, save_experiment
from reeltune.db.test_evaluations import load_reference, load_test_evaluations
from reeltune.db.training_epochs import load_training_epochs
from reeltune.db.tuning_runs import save_run
from reeltune.db.versions import load_events, load_production, load_version, load_versions
from reeltune.domain.experiment import BASELINE
from reeltune.domain.space import Value
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.table import RatingTable
from reeltune.training.listeners import tell_listeners
from reeltune.tuning.proposer import new_experiment
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.versioning.request import Retraining, RetrainingRequest
from reeltune.versioning.retraining import retrain, retrain_best
from tests.running import run_json
from tests.training.test_recording import epoch

ONLY_CAST: dict[str, float] = {
    "genre_weight": 0.0,
    "cast_weight": 1.0,
    "franchise_weight": 0.0,
    "rating_weight": 0.0,
    "popularity_weight": 0.0,
}


def with_values(**given: float) -> dict[str, Value]:
    return SPACE.merged(SPACE.defaults(), given)


def retrained(
    conn: Connection, given: dict[str, float] | None = None, *, by: str = "night"
) -> Retraining:
    request = RetrainingRequest(
        study=StudyConfig(),
        hyperparameters=None if given is None else with_values(**given),
        unattended=by == "night",
        accuracy_threshold=0.0,
        force=True,
    )
    return retrain(conn, load_dataset(conn), request)


def in_production(conn: Connection) -> int:
    production = load_production(conn)
    assert production is not None
    return production.version


def test_at_night_what_cannot_be_told_from_production_stays_a_candidate(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        result = retrained(conn, {"genre_boost_high": 0.16})
        assert (result.verdict, result.version) == ("cannot tell", 2)
        assert in_production(conn) == 1
        assert load_version(conn, 2).status == "candidate"
        (registered,) = load_events(conn, 2)
    assert registered.reason.startswith("cannot tell: accuracy")
    assert registered.evidence["verdict"] == "cannot tell"
    assert registered.evidence["look"] == 2


def test_at_night_a_true_gain_is_promoted(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        conn.execute(
            "UPDATE training_runs SET hyperparameters = ?", [json.dumps(with_values(**ONLY_CAST))]
        )  # as if it had been good enough in its time
        result = retrained(conn, {})
        assert (result.verdict, in_production(conn)) == ("promoted", 2)
        (promoted,) = (e for e in load_events(conn, 2) if e.event == "promoted")
    rules = {rule["name"]: rule for rule in promoted.evidence["rules"]}
    assert rules["better than deployed"]["verdict"] == "passed"
    assert rules["better than deployed"]["figure"] > rules["better than deployed"]["threshold"]
    assert any("new users" in name for name in rules)
    assert "Accuracy (calendar)" in rules


def test_of_several_finalists_the_one_that_gains_most_is_judged_in_one_look(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        conn.execute(
            "UPDATE training_runs SET hyperparameters = ?", [json.dumps(with_values(**ONLY_CAST))]
        )
        requests = [
            RetrainingRequest(
                study=StudyConfig(),
                hyperparameters=with_values(**given),
                unattended=True,
                accuracy_threshold=0.0,
            )
            for given in ({"cast_weight": 0.9}, {}, {"cast_weight": 0.8})
        ]
        result = retrain_best(conn, load_dataset(conn), requests)
        assert (result.verdict, result.hyperparameters) == ("promoted", SPACE.defaults())
        assert [look.decision for look in load_test_evaluations(conn)] == ["first", "nightly"]


def test_at_night_what_is_worse_beyond_noise_is_refused(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        result = retrained(conn, ONLY_CAST)
        assert result.verdict == "refused"
        assert load_version(conn, 2).status == "refused"
        assert in_production(conn) == 1


def test_a_person_may_apply_what_cannot_be_told_from_production(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        result = retrained(conn, {"genre_boost_high": 0.16}, by="hand")
        assert (result.verdict, in_production(conn)) == ("promoted", 2)
    shown = {rule.name: rule for rule in result.rules}
    assert not shown["better than deployed"].binding


def test_the_deployed_hyperparameters_are_promoted_again_without_proof(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        result = retrained(conn)
        assert (result.decision, result.verdict) == ("routine", "promoted")
        assert result.budget is None


def test_each_look_is_counted_and_only_nights_spend(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        retrained(conn)
        retrained(conn, {"genre_boost_high": 0.16}, by="hand")
        first, second = (retrained(conn, {"genre_boost_high": each}) for each in (0.17, 0.18))
        looks = load_test_evaluations(conn)
    assert [look.decision for look in looks] == [
        "first",
        "routine",
        "by hand",
        "nightly",
        "nightly",
    ]
    assert [look.level for look in looks] == [0, 0, 0, 0.05, pytest.approx(0.025, abs=1e-4)]
    assert first.budget is not None
    assert second.budget is not None
    assert (first.budget.n_looks, second.budget.n_looks) == (0, 1)
    assert "at most 0.5 false promotions are expected a year" in second.budget.message


def test_a_dry_run_counts_as_a_look_and_nothing_else(world: Path) -> None:
    with connection(world) as conn:
        request = RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0, dry_run=True)
        seen = [retrain(conn, load_dataset(conn), request) for _ in range(2)]
        assert [each.verdict for each in seen] == ["would be promoted"] * 2
        assert [each.n_looks for each in seen] == [1, 2]
        assert [look.verdict for look in load_test_evaluations(conn)] == ["promote"] * 2
        assert load_versions(conn) == []
        conn.execute("UPDATE ratings SET rating = 6 - rating WHERE user_id = 1")
        assert retrain(conn, load_dataset(conn), request).n_looks == 1  # others, not yet looked at


def test_another_model_has_to_beat_what_is_in_production_not_its_own_defaults(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        request = RetrainingRequest(
            study=StudyConfig(model="examples.most_popular:MostPopular"),
            accuracy_threshold=0.0,
            min_new_ratings=10**9,
        )
        result = retrain(conn, load_dataset(conn), request)
        assert result.decision == "by hand"
        assert result.deployed_source == "version 1"
        assert result.test_metrics != result.deployed_metrics
        production = load_version(conn, 1).training
    assert result.deployed_metrics == production.test_metrics


def test_what_a_version_is_watched_against_is_kept_with_it(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        newest = int(load_dataset(conn).ratings.rated_at.max())
        reference = load_reference(conn, 1, "accuracy")
    assert reference is not None
    assert reference.newest_rated_at == newest
    assert len(reference.user_ids) == len(reference.values) > 0


def promoted_tonight(world: Path, **given: float) -> dict[str, Any]:
    """What a nightly job says that tries one candidate beside what was just put into production."""
    with connection(world) as conn:
        retrained(conn)
        run = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=1)).new_run(
            "random", 1
        )
        save_run(conn, run)
        save_experiment(conn, new_experiment(run, 1, with_values(**given), "explore"))
    options = ("--method", "random", "--configs", "1", "--promote", "--jobs", "1")
    result: dict[str, Any] = run_json("tune_orchestrator.py", "--db", world, *options, expect=0)
    return result


def test_a_nightly_job_that_cannot_tell_ends_with_0_and_keeps_what_is_deployed(world: Path) -> None:
    result = promoted_tonight(world, genre_weight=0.3, genre_boost_medium=0.0)
    assert result["best_lower_bound"] > result["baseline_value"]
    assert result["promotion"]["verdict"] == "cannot tell"
    with connection(world) as conn:
        assert in_production(conn) == 1
        assert load_version(conn, 2).training.experiment_id == result["best_experiment_id"]


def test_a_night_without_a_sure_gain_takes_no_look_at_the_test_part(world: Path) -> None:
    result = promoted_tonight(world, genre_boost_high=0.3)
    assert result["best_experiment_number"] == BASELINE
    assert result["promotion"]["verdict"] == "nothing new"
    with connection(world) as conn:
        (candidate,) = load_experiments(conn, result["tuning_run_id"])[1:]
        assert (candidate.improvement_from_baseline or 0) > 0
        assert len(load_test_evaluations(conn)) == 1  # of the first version


def test_all_is_said_in_json_without_nan(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        result = retrained(conn, {"genre_boost_high": 0.16})
        assert len(load_versions(conn)) == 2
    said = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert {line["split"] for line in said["contrasts"]} == {"user-time", "calendar"}
    assert said["rules"][1]["name"] == "better than deployed"


def test_by_lists_a_first_version_is_asked_for_those_of_popularity_and_not_for_accuracy(
    world: Path,
) -> None:
    popular = with_values(
        **dict.fromkeys(ONLY_CAST, 0.0)
        | {
            "popularity_weight": 1.0,
            "popularity_rating_weight": 0.0,
            "popularity_count_weight": 1.0,
        }
    )
    request = RetrainingRequest(
        study=StudyConfig(objective="ndcg@10"), hyperparameters=popular, accuracy_threshold=0.999
    )
    with connection(world) as conn:
        result = retrain(conn, load_dataset(conn), replace(request, dry_run=True))
        by_accuracy = replace(request, study=StudyConfig(), dry_run=True)
        refused = retrain(conn, load_dataset(conn), by_accuracy)
    least = result.rules[0]
    assert (least.name, least.verdict) == ("ndcg@10", "passed")
    assert least.threshold == pytest.approx(least.figure)  # popularity against itself
    assert refused.verdict == "refused"
    assert refused.rules[0].name == "accuracy"


def test_each_guardrail_says_what_it_protects_and_why_at_its_margin(world: Path) -> None:
    with connection(world) as conn:
        retrained(conn)
        result = retrained(conn, {"genre_boost_high": 0.16})
        stored = load_events(conn, 2)[0].evidence["rules"]
    guards = [rule for rule in result.rules if "may lose" in rule.figures]
    assert {"NDCG@10 (user-time)", "Coverage@10 (user-time)"} <= {rule.name for rule in guards}
    assert all(rule.protects and rule.because for rule in guards)
    assert [rule["protects"] for rule in stored] == [rule.protects for rule in result.rules]


def test_the_epochs_of_the_fit_that_is_deployed_are_kept(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_fit = HandWeighted.fit

    def trained(model: HandWeighted, ratings: RatingTable, *rest: Any) -> HandWeighted:
        for number in (1, 2):
            tell_listeners(f"on {len(ratings):,} ratings", epoch(number))
        return plain_fit(model, ratings, *rest)

    monkeypatch.setattr(HandWeighted, "fit", trained)
    with connection(world) as conn:
        version = retrained(conn).version
        assert version is not None
        n_ratings = len(load_dataset(conn).ratings)
        found = load_training_epochs(conn, version)
    assert [each.name for each in found] == [f"on {n_ratings:,} ratings"] * 2
