import json
from pathlib import Path

import pytest

from tests.covered import main


@pytest.mark.parametrize(("covered", "code"), [(189, 1), (190, 0)])
def test_less_than_95_percent_of_the_lines_is_too_little_whatever_the_branches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], covered: int, code: int
) -> None:
    counts = {"num_statements": 200, "num_branches": 40, "covered_branches": 30}
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"totals": {**counts, "covered_lines": covered}}))
    assert main(report) == code
    lines = f"lines {covered / 2:.1f} % (95 % are needed), branches 75.0 %\n"
    assert capsys.readouterr().out == lines
