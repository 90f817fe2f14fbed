"""What a model learns from, and what ties rows together."""

from pathlib import Path

from reeltune.tabular.roles import column_roles, group_column, time_column
from tests.tabular.tables import read


def rows(n: int, line: str) -> str:
    return "".join(
        line.format(n=n, half=n // 2, day=1 + n % 28, month=1 + n // 28) for n in range(n)
    )


def test_what_is_the_same_everywhere_or_a_name_is_left_out(tmp_path: Path) -> None:
    text = "order_id,x,same,none\n" + rows(60, "{n},{half}.5,a,\n")
    reasons = {name: role.reason for name, role in column_roles(read(tmp_path, text)).items()}
    assert reasons == {"order_id": "name of a row", "x": "", "same": "constant", "none": "empty"}


def test_an_id_of_several_rows_each_is_a_group(tmp_path: Path) -> None:
    table = read(tmp_path, "customer_id,x\n" + rows(60, "{half},{n}.5\n"))
    assert column_roles(table)["customer_id"].reason == "group of rows"
    assert group_column(table) == "customer_id"
    assert group_column(read(tmp_path, "x,y\n" + rows(60, "{half},{n}.5\n"))) is None


def test_a_date_in_whose_order_rows_come_is_their_time(tmp_path: Path) -> None:
    line = "2024-{month:02d}-{day:02d},{n}.5\n"
    text = rows(100, line)
    assert time_column(read(tmp_path, "day,x\n" + text)) == "day"
    backwards = "\n".join(reversed(text.splitlines()))
    assert time_column(read(tmp_path, "day,x\n" + backwards)) == "day"
    mixed = "\n".join(sorted(text.splitlines(), key=lambda each: each[-3:]))
    assert time_column(read(tmp_path, "day,x\n" + mixed)) is None
