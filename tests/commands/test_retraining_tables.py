import io

from rich.console import Console

from reeltune.commands.retraining_tables import render_retraining, render_rules
from reeltune.gate.guardrails import Rule
from reeltune.versioning.request import Retraining

ACCURACY = Rule(
    name="accuracy", verdict="passed", figure=0.7, threshold=0.65, figures="test accuracy 0.7"
)
COVERAGE = Rule(
    name="Coverage@10 (user-time)",
    verdict="refused",
    figure=-0.05,
    threshold=-0.03,
    figures="Coverage@10 -0.0500, may lose 0.0300",
)
BETTER = Rule(
    name="better than deployed",
    verdict="passed",
    figure=0.02,
    threshold=0.001,
    figures="accuracy +0.0200",
    low=0.01,
    high=0.03,
    asks="proof",
)


def unbound(rule: Rule) -> Rule:
    return Rule(**{n: getattr(rule, n) for n in Rule.__dataclass_fields__} | {"binding": False})


def printed(*rules: Rule, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    render_rules(console, "The gate", rules, "user-time")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def cells(line: str) -> list[str]:
    return [cell for cell in line.split("  ") if cell.strip()]


def test_each_column_means_one_thing_whatever_the_rule_asks() -> None:
    _, head, _, *lines = printed(ACCURACY, BETTER, COVERAGE)
    assert [cell.strip() for cell in cells(head)] == [
        "rule",
        "estimate",
        "95 % interval",
        "threshold",
        "asked",
        "verdict",
    ]
    found = [[cell.strip() for cell in cells(line)] for line in lines[:3]]
    assert found == [
        ["accuracy", "0.7000", "-", "0.6500", "value", "passed"],
        ["better", "+0.0200", "+0.0100 to +0.0300", "+0.0010", "proof", "passed"],
        ["Coverage@10", "-0.0500", "-", "-0.0300", "value", "refused"],
    ]


def test_it_fits_80_columns_and_says_what_was_asked_in_words() -> None:
    calendar = Rule(
        **{n: getattr(BETTER, n) for n in Rule.__dataclass_fields__}
        | {"name": "Accuracy (calendar)", "asks": "no harm"}
    )
    lines = printed(ACCURACY, BETTER, calendar)
    assert len(lines) == 1 + 2 + 3 + 1 + 2 + 1  # none is folded; the meanings take two
    text = " ".join(" ".join(lines).split())
    assert "value: the estimate is at least the threshold" in text
    assert "proof: shown to be above the threshold" in text
    assert "no harm: not shown to be below the threshold" in text


def test_nothing_is_refused_of_what_is_promoted() -> None:
    result = Retraining(
        verdict="promoted",
        said="test accuracy 0.7",
        experiment_id="random_1_007",
        reason="applied random_1_007, the best of the comparable runs",
        version=2,
        rules=(ACCURACY, unbound(BETTER), unbound(COVERAGE)),
    )
    console = Console(file=io.StringIO(), width=80)
    render_retraining(console, result)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "Version 2 is promoted" in text
    assert "random_1_007, the best of the comparable runs" in text
    assert "refused" not in text
    assert "not asked of what a person chose, and not met: Coverage@10" in text
