import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reeltune.domain.errors import InputError
from reeltune.sweeps.check import check, conformed
from reeltune.sweeps.document import MOST_FAULTS, FaultyError, Item, read_document
from reeltune.sweeps.schema import SCHEMA, SCHEMA_FILE
from reeltune.sweeps.sweep import find_sweeps, read_sweep
from tests.running import ROOT

EDITOR = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
EXAMPLES = [path.read_text(encoding="utf-8") for path in find_sweeps(ROOT / "examples" / "sweeps")]
HOSTILE = (
    *("a: &a [*a]", "<<: {name: b}", "? [x]\n: y", "!!int ''", "!!bool x", "~", "---", "\ufeff"),
    *("seed: 1e400", "seed: .inf", "seed: 0x10", "seed: 1_000", "seed: 010", "seed: 1:30"),
    *("seed: 2.0", "seed: 1e3", "configs: 3.0e+0", "warm_start: yes", "name: no", "1: 2"),
    *('execution: {memory_limit: "3G\\n"}', "execution: {jobs: 2.0}", "execution: {jobs: true}"),
    *("name: 2026-11-20", "name: '\\0'", 'name: "\\u2028"', "parameters: []", "grid:"),
    *("objective: [mrr, {metric: mrr}, 3]", "gates: {accuracy_threshold: 1.0000000000000001}"),
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 2, 99, 100, 101, 256, 257, 100_000, 100_001, 2**31 - 1, 2**31, 10**30]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 2.5, 1e-320, 1e300]),
    st.text(max_size=5),
    st.sampled_from(["1G", "3G\n", "٣G", "0G", "random", "grid", "mrr", "seconds", "", "a" * 101]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def fitting(schema: Any) -> st.SearchStrategy[Any]:
    """Values near those that a part of the schema allows: right kind, any content."""
    near = [anything]
    if "enum" in schema:
        near.append(st.sampled_from(schema["enum"]))
    if "properties" in schema:
        known = {name: fitting(part) for name, part in schema["properties"].items()}
        needed = {name: known.pop(name) for name in schema.get("required", ())}
        near.append(st.fixed_dictionaries(needed, optional=known))
    if isinstance(schema.get("additionalProperties"), dict):
        near.append(st.dictionaries(st.text(max_size=3), fitting(schema["additionalProperties"])))
    if "items" in schema:
        near.append(st.lists(fitting(schema["items"]), max_size=4))
    return st.one_of(near)


documents = fitting(SCHEMA).map(lambda value: str(yaml.safe_dump(value, allow_unicode=True)))


@st.composite
def spoilt_examples(draw: st.DrawFn) -> str:
    """An example with a few of its lines left out, repeated, or followed by what means harm."""
    lines = draw(st.sampled_from(EXAMPLES)).splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["leave", "repeat", "harm", "value"]))
        harm = draw(st.sampled_from(HOSTILE))
        if what == "value":
            lines[at] = lines[at].split(":")[0] + ": " + draw(st.sampled_from(HOSTILE))
        else:
            lines[at : at + 1] = {
                "leave": [""],
                "repeat": [lines[at]] * 2,
                "harm": [lines[at], harm],
            }[what]
    return "\n".join(lines)


texts = documents | spoilt_examples()
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # of YAML 1.1, section 4.1.4
any_number = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweeps") / "sweep.yaml"


def parsed(path: Path, text: str) -> Item:
    """The document, if it is one that an editor, too, can read."""
    try:
        path.write_text(text, encoding="utf-8")
        return read_document(path)
    except (InputError, UnicodeEncodeError):
        assume(False)
        raise


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(dict(SCHEMA))


@any_number
@given(text=texts)
def test_file_and_editor_agree(path: Path, text: str) -> None:
    """The editor's side is another implementation of JSON Schema, which reads the file."""
    item = parsed(path, text)
    found = check(item, SCHEMA)
    assert (found == []) == EDITOR.is_valid(json.loads(json.dumps(item.plain())))
    assert all(1 <= fault.line <= len(LINE_BREAK.findall(text)) + 1 for fault in found)
    told = str(FaultyError("a", tuple(found))).splitlines()
    assert len(told) == (len(found) if len(found) <= MOST_FAULTS else MOST_FAULTS + 1)


@any_number
@given(text=texts)
def test_a_file_is_read_or_refused_and_nothing_else(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
        read_sweep(path)
    except (FaultyError, UnicodeEncodeError):
        pass


def leaves(value: object) -> Iterator[tuple[str, type]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part) if isinstance(part, dict) else [(name, type(part))]


@given(n=st.integers(100, 256), kind=st.sampled_from([int, float]))
def test_whole_numbers_are_ints_however_they_are_written(n: int, kind: type) -> None:
    said = {
        "configs": kind(n),
        "panel": kind(n),
        "seed": kind(n),
        "execution": {"jobs": kind(n)},
        "early_stopping": {"patience": kind(n), "min_experiments": kind(n)},
        "grid": {"levels": kind(100)},
    }
    made = conformed({**said, "parameters": {"a": {"low": 2.0}}, "pruner": "paired"}, SCHEMA)
    found = dict(leaves(made))
    assert found.pop("low") is float  # a hyperparameter's kind is the model's matter
    assert found.pop("pruner") is str
    assert set(found.values()) == {int}
    assert {name: made[name] for name in said} == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("execution: {jobs: 2.0}", None),
        ("seed: 1e3", None),
        ("execution: {jobs: 2.5}", "execution.jobs must be a whole number, got 2.5"),
        ("execution: {jobs: true}", "execution.jobs must be a whole number, got True"),
        ("execution: {jobs: 1e300}", "execution.jobs must be 256 or less, got 1e+300"),
        ('execution: {memory_limit: "3G\\n"}', "execution.memory_limit must be memory that"),
        ("name: ''", "name must have 1 to 100 characters, got 0"),
        ("parameters: {a: []}", "parameters.a must have 1 to 1000 values, got 0"),
        ("gates:", "gates must be a block of settings, got nothing"),
        ("gates: {promote: 1}", "gates.promote must be true or false, got 1"),
        ("objective: [mrr, {direction: up}]", "objective.direction must be one of maximize, min"),
        ("execution: {timeout: 0}", "execution.timeout must be above 0, got 0"),
    ],
)
def test_a_rule_is_told_with_value_and_place(path: Path, line: str, said: str | None) -> None:
    lines = {"name": "name: a", "method": "method: random", line.split(":")[0]: line}
    found = check(parsed(path, "\n".join(lines.values())), SCHEMA)
    assert bool(found) == (said is not None)
    assert said is None or any(fault.what.startswith(said) for fault in found)


@pytest.mark.parametrize("value", [".inf", "-.INF", ".nan", "1e400"])
def test_a_number_that_json_does_not_have_is_refused(path: Path, value: str) -> None:
    path.write_text(f"name: a\nparameters:\n  a: [{value}]\n", encoding="utf-8")
    with pytest.raises(FaultyError, match=r":3: '.*' must be a finite number"):
        read_document(path)


def test_each_name_that_is_missing_or_unknown_is_told_once(path: Path) -> None:
    found = check(parsed(path, "execution:\n  job: 1\n  time: 2\ncolour: red\n"), SCHEMA)
    known = "known are jobs, timeout, timeout_per_experiment, memory_limit"
    assert sorted((fault.line, fault.what) for fault in found if "colour" not in fault.what) == [
        (1, "method is missing"),
        (1, "name is missing"),
        (2, f"there is no 'execution.job'; {known}"),
        (3, f"there is no 'execution.time'; {known}"),
    ]
    assert [fault.line for fault in found if "colour" in fault.what] == [4]
    rule = {"multipleOf": 3}  # one that has no words of ours
    (other,) = check(Item(7, {"a": Item(8, 4)}), {"properties": {"a": rule}})
    assert (other.line, other.what) == (8, "a: 4 is not a multiple of 3")
