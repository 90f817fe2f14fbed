import json
from pathlib import Path

import pytest

from reeltune.domain.errors import InputError
from reeltune.domain.limits import Limit
from reeltune.search.grid import Grid
from reeltune.sweeps.document import FaultyError
from reeltune.sweeps.schema import SCHEMA_FILE, schema_text
from reeltune.sweeps.sweep import Sweep, read_sweep, read_sweeps


def written(folder: Path, text: str, name: str = "sweep.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> Sweep:
    return read_sweep(written(folder, text))


def faults(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(FaultyError) as caught:
        read_sweep(path)
    return str(caught.value).replace(f"{path}:", "").splitlines()


HEAD = "name: a\nmethod: random\n"


def test_the_schema_file_for_editors_is_the_schema() -> None:
    """`python -m sweeps.schema` writes it."""
    kept, wanted = json.loads(SCHEMA_FILE.read_text(encoding="utf-8")), json.loads(schema_text())
    methods = kept["properties"].pop("method"), wanted["properties"].pop("method")
    assert set(methods[0]["enum"]) <= set(methods[1]["enum"])  # a new one may be on its way
    assert kept == wanted


def test_a_sweep_says_what_and_how(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        """
name: all of it
method: bayesian
configs: 7
objective: {metric: mrr, direction: maximize}
split: calendar
seed: 3
parameters:
  genre_weight: [0.5, 0.3]
  cast_lead_weight: {low: 1e-2, high: 1.0, log: true}
  cast_lead_threshold: {low: 2, high: 10, step: 4}
  genre_boost_low: {fixed: -0.1}
  rating_weight: {low: 0.2}
others: fixed
execution: {jobs: 3, timeout: 60, timeout_per_experiment: 5, memory_limit: 3G}
early_stopping: {target: 0.9, patience: 4, min_experiments: 5, until_converged: true}
warm_start: false
gates: {promote: true, accuracy_threshold: 0.7, guardrails: {coverage@10: 0.3}}
""",
    )
    plan, study = sweep.plan, sweep.study
    assert (plan.method, plan.n_configs, plan.name) == ("bayesian", 7, "all of it")
    assert (study.objective, study.split, study.seed) == ("mrr", "calendar", 3)
    assert plan.limits.others_fixed
    assert plan.limits.limits == (
        Limit(name="genre_weight", choices=(0.5, 0.3)),
        Limit(name="cast_lead_weight", low=0.01, high=1.0, log=True),
        Limit(name="cast_lead_threshold", choices=(2, 6, 10)),
        Limit(name="genre_boost_low", choices=(-0.1,)),
        Limit(name="rating_weight", low=0.2),
    )
    assert (plan.timeout_seconds, plan.memory_bytes) == (5, 3 * 2**30)
    assert (plan.stop.timeout_seconds, plan.stop.target, plan.stop.patience) == (60, 0.9, 4)
    assert (plan.stop.min_experiments, plan.stop.until_converged) == (5, True)
    assert (sweep.jobs, sweep.promotes, sweep.accuracy_threshold) == (3, True, 0.7)
    assert plan.margins == {"coverage@10": 0.3}
    assert not plan.starts_warm


def test_every_fault_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """name: a
method: magic
configs: 0
colour: red
parameters:
  genre_weight: [0.1, much]
  cast_weight: 3
  rating_weight: [1.5]
execution:
  jobs: 2.5
early_stopping:
  patience: true
""",
    )
    assert found[0].startswith("2: method must be one of grid, random")
    assert found[0].endswith(", got 'magic'")
    assert found[2].startswith("4: there is no 'colour'; known are name, description, method")
    assert [found[1], *found[3:]] == [
        "3: configs must be 1 or more, got 0",
        "6: parameters.genre_weight: genre_weight must be a number, got 'much'",
        "7: parameters.cast_weight must be a list or a block of settings, got 3",
        "8: parameters.rating_weight: rating_weight must be in [0.0, 1.0], got 1.5",
        "10: execution.jobs must be a whole number, got 2.5",
        "12: early_stopping.patience must be a whole number, got True",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  genre_wait: [1]", "there is no hyperparameter 'genre_wait'"),
        ("  genre_weight: [1.2]", "must be in [0.0, 1.0], got 1.2"),
        ("  genre_weight: {low: 0.5, high: 0.2}", "low must be below high"),
        ("  genre_weight: {low: 0.5, fixed: 0.2}", "give either fixed, or choices, or low"),
        ("  genre_weight: {low: 0.1, high: 0.2, step: 0.1, log: true}", "give either fixed"),
        ("  genre_weight: {}", "give fixed, choices, or low and high"),
        ("  genre_weight: {low: 0.0, log: true}", "log needs a range above 0"),
        ("  genre_weight: {step: 0.1}", "step needs low and high"),
        ("  genre_weight: {low: 0, high: 1, step: 0.0001}", "at most 1000 steps"),
        ("  genre_weight: [.nan]", "must be a finite number"),
        ("  genre_weight: []", "must have 1 to 1000 values, got 0"),
        ("  cast_lead_threshold: [2.5]", "must be a whole number"),
        ("  accuracy_threshold: [0.5]", "accuracy_threshold is never searched"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (fault,) = faults(tmp_path, f"{HEAD}parameters:\n{text}\n")
    assert fault.startswith("4: ")
    assert said in fault


def test_parameters_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    sums = "parameters:\n  genre_weight: {low: 0.7}\n  cast_weight: {low: 0.7}\n"
    assert "no values are left for which genre_weight" in faults(tmp_path, HEAD + sums)[0]
    fixed = "parameters:\n  genre_boost_low: [-0.1]\nothers: fixed\n"
    assert faults(tmp_path, HEAD + fixed) == ["3: nothing is left to search: every value is fixed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: is empty"),
        ("- a\n", "1: it must be a block of settings, got a list"),
        ("name: a\nmethod: grid\nname: b\n", "3: the key 'name' occurs twice, first in line 1"),
        ("name: [a\n", "2: is no YAML"),
        ("name: !!python/object/apply:os.getcwd []\nmethod: grid\n", "1: "),
        ("name: 2026-11-20\nmethod: grid\n", "1: '2026-11-20' is neither text nor number"),
        ("a: &a [*a]\n", "1: is no YAML: more than"),
        ("name: a\n---\nname: b\n", "2: is no YAML"),
        ("? [a]\n: b\n", "1: a key must be a word"),
        ("name: a\n", "1: method is missing"),
        ("objective: speed\nname: a\nmethod: grid\n", "1: objective must be one of accuracy"),
        ("name: a\nmethod: grid\nmodel: no.such:Model\n", "3: model 'no.such:Model' cannot be"),
        ("execution: {memory_limit: lots}\nname: a\nmethod: grid\n", "1: execution.memory_limit"),
    ],
)
def test_what_is_no_sweep_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert faults(tmp_path, text)[0].startswith(said)


def test_aliases_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    bomb = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 20,000 values" in faults(tmp_path, "\n".join(bomb))[0]


def test_a_file_that_is_too_large_or_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 256,000 bytes"):
        read(tmp_path, "#" * 300_000)
    with pytest.raises(InputError, match="cannot be read"):
        read_sweep(tmp_path / "none.yaml")


def test_all_files_of_a_folder_are_checked_before_any_runs(tmp_path: Path) -> None:
    written(tmp_path, HEAD, "b.yaml")
    written(tmp_path, HEAD, "a.yml")
    written(tmp_path, "not a sweep", "notes.txt")
    assert [sweep.path.name for sweep in read_sweeps(tmp_path)] == ["a.yml", "b.yaml"]
    written(tmp_path, "name: a\n", "c.yaml")
    written(tmp_path, "name: a\n", "d.yaml")
    with pytest.raises(InputError) as caught:
        read_sweeps(tmp_path)
    assert [line.split("/")[-1] for line in str(caught.value).splitlines()] == [
        "c.yaml:1: method is missing",
        "d.yaml:1: method is missing",
    ]


def test_a_folder_without_sweeps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no sweep"):
        read_sweeps(tmp_path)


def test_a_grid_may_be_progressive_and_nothing_else_may(tmp_path: Path) -> None:
    more = "grid: {progressive: true, radius: 0.3, levels: 2}\n"
    sweep = read(tmp_path, f"name: a\nmethod: grid\n{more}")
    assert sweep.plan.grid == Grid(0.3, 2, progressive=True)
    assert faults(tmp_path, HEAD + more) == ["3: grid goes with method grid"]
    (fault,) = faults(tmp_path, "name: a\nmethod: grid\ngrid: {radius: 0}\n")
    assert fault == "3: grid.radius must be above 0, got 0"


def test_objectives_may_be_several_and_the_first_decides(tmp_path: Path) -> None:
    text = "objective: [accuracy, {metric: seconds, direction: minimize}]\n"
    sweep = read(tmp_path, HEAD + text)
    assert sweep.study.objectives == ("accuracy", "seconds")
    assert read(tmp_path, HEAD + "objective: [mrr]\n").study.objectives == ("mrr",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("objective: [seconds, mrr]\n", "3: the first objective must be one of accuracy"),
        ("objective: {metric: seconds}\n", "3: objective must be one of accuracy"),
        ("objective: [mrr, mrr]\n", "3: the objectives must differ"),
        ("objective: [mrr, {metric: speed}]\n", "3: objective.metric must be one of"),
        ("objective: [mrr, {metric: seconds, direction: maximize}]\n", "3: the direction of"),
        ("objective: [mrr, seconds]\npruner: halving\n", "3: --pruner needs one"),
    ],
)
def test_objectives_that_cannot_be_are_named(tmp_path: Path, text: str, said: str) -> None:
    assert faults(tmp_path, HEAD + text)[0].startswith(said)


def test_a_model_in_a_file_is_known_by_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "from examples.most_popular import MostPopular\n"
    (tmp_path / "mine.py").write_text(own, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    sweep = read(tmp_path, HEAD + "model: mine.py:MostPopular\n")
    assert sweep.study.model == f"{tmp_path}/mine.py:MostPopular"
