"""Trade-off: shown where guardrails keep out all that is better, and only there."""

from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.views.summary import ranking
from reeltune.views.trade_off import TradeOff, infeasible_gains, trade_off
from tests.tuning.experiments import experiment


def tried(number: int, value: float, coverage: float, ndcg: float = 0.1) -> Experiment:
    """A completed one, of which coverage must be 0.2 and NDCG 0.05 at least."""
    figures = {
        "ndcg@10": GuardrailFigure(figure=ndcg, error=None, bound=0.05, constraint=0.05 - ndcg),
        "coverage@10": GuardrailFigure(
            figure=coverage, error=None, bound=0.2, constraint=0.2 - coverage
        ),
    }
    return experiment(number, value, guardrails=figures)


DEPLOYED = tried(BASELINE, 0.6, 0.4)


def found(*candidates: Experiment) -> TradeOff:
    told = trade_off([DEPLOYED, *candidates])
    assert told is not None
    return told


def test_the_front_is_of_the_objective_against_the_guardrail_that_binds() -> None:
    told = found(
        tried(1, 0.7, 0.1),
        tried(2, 0.65, 0.15),
        tried(3, 0.64, 0.05, ndcg=0.01),
        tried(4, 0.5, 0.3),
    )
    assert (told.guardrail, told.bound, told.n_better) == ("coverage@10", 0.2, 3)
    assert [(p.number, p.value, p.figure, p.is_feasible) for p in told.points] == [
        (1, 0.7, 0.1, False),
        (2, 0.65, 0.15, False),
        (0, 0.6, 0.4, True),
    ]


def test_of_equally_many_violations_the_larger_binds() -> None:
    told = found(tried(1, 0.7, 0.19, ndcg=0.01))
    assert told.guardrail == "ndcg@10"
    assert told.sentence == (
        "nothing within the guardrails is better than what is deployed: the one that is better "
        "violates ndcg@10"
    )


def test_several_are_counted_in_the_sentence() -> None:
    told = found(tried(1, 0.7, 0.1), tried(2, 0.65, 0.15))
    assert told.sentence.endswith("the 2 that are better violate one, mostly coverage@10")


def test_where_something_within_them_is_better_there_is_none() -> None:
    assert trade_off([DEPLOYED, tried(1, 0.7, 0.1), tried(2, 0.61, 0.3)]) is None


def test_where_nothing_is_better_at_all_there_is_none() -> None:
    assert trade_off([DEPLOYED, tried(1, 0.59, 0.1)]) is None
    assert trade_off([DEPLOYED, experiment(1)]) is None
    assert trade_off([tried(1, 0.7, 0.1)]) is None
    assert infeasible_gains([]) == []


def test_those_that_violate_one_rank_last_and_among_themselves_by_their_bounds() -> None:
    some = [tried(1, 0.7, 0.1), tried(2, 0.5, 0.3), tried(3, 0.8, 0.1), DEPLOYED]
    assert [e.number for e in ranking(some)] == [0, 2, 3, 1]
