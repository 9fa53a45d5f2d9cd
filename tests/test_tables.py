"""Tables fit the terminal, whichever columns are wide."""

import pytest

from dmarcwatch.cli.context import width
from dmarcwatch.cli.tables import table


@pytest.mark.parametrize("wide", [(300,), (300, 300), (90, 90, 300), (40, 40, 40)])
def test_no_line_is_wider_than_the_terminal(wide):
    row = {f"column {number}": "x" * size for number, size in enumerate(wide)} | {"messages": 1234567}
    lines = table([row, row], "nothing").splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) == width()
    assert all(line.endswith("1,234,567") for line in lines[1:])


def test_a_table_that_fits_is_cut_nowhere():
    assert "…" not in table([{"name": "x" * 60, "messages": 3}], "nothing")


def test_columns_share_what_is_missing():
    line = table([{"origin": "o" * 200, "message": "m" * 200}], "nothing").splitlines()[1]
    assert abs(line.count("o") - line.count("m")) <= 1
