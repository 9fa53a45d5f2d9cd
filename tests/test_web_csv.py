"""Datasette's CSV of our database: what strangers write never becomes a formula, and figures stay figures."""

import asyncio
import csv
import io
import sqlite3
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from datasette.app import Datasette
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.serve import app
from dmarcwatch.web.csv_cells import SafeCells
from tests.web_build import AS_OF, Build, Sent
from tests.web_worlds import ALIGNED, DOMAIN

FORMULAS = (
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x.example","a,b")',
    "=1\n=2",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = Build(tmp_path_factory.mktemp("csv") / "dmarcwatch.db", DOMAIN)
    for number, formula in enumerate(FORMULAS):
        build.report(Sent(formula, AS_OF - timedelta(number)), [(ALIGNED, 3)], report_id=formula)
    return build.close()


def rows_of(response: httpx.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


def fetched(database: Path, *paths: str, base_url: str = "/") -> list[list[dict[str, str]]]:
    async def fetch() -> list[httpx.Response]:
        datasette = app(database, base_url=base_url)
        return [await datasette.client.get(f"/dmarcwatch{path}") for path in paths]

    return [rows_of(response) for response in asyncio.run(fetch())]


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("/reports.csv", "org_name"),
        ("/reports.csv?_stream=on&_size=max&_dl=1", "report_id"),
        ("/domain_days.csv", "reporter"),
        ("/reporters-silence.csv?domain=", "reporter"),
        (".csv?" + urlencode({"sql": "select org_name from reports"}), "org_name"),
    ],
    ids=["table", "streamed table", "view", "canned query", "own query"],
)
@pytest.mark.parametrize("base_url", ["/", "/dmarc/"])
def test_a_formula_in_a_report_is_text_in_every_csv(database, path, column, base_url):
    (rows,) = fetched(database, path, base_url=base_url)
    assert {row[column] for row in rows} == {f"'{formula}" for formula in FORMULAS}


def test_negative_numbers_stay_numbers(database):
    sql = "select -5 as a, -1.5e-30 as b, 7 as c, -1 || '+1' as d, null as e, 'x' || char(10) || '=1' as f"
    (rows,) = fetched(database, ".csv?" + urlencode({"sql": sql}))
    assert rows == [{"a": "-5", "b": "-1.5e-30", "c": "7", "d": "'-1+1", "e": "", "f": "x\n=1"}]


def test_a_database_of_others_keeps_its_csv(tmp_path):
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE t AS SELECT '=1+1' AS x")
    connection.commit()
    connection.close()

    async def fetch() -> httpx.Response:
        return await Datasette([str(tmp_path / "other.db")]).client.get("/other/t.csv")

    assert [row["x"] for row in rows_of(asyncio.run(fetch()))] == ["=1+1"]


CELLS = st.text(st.sampled_from("=+-@\t\r\n\",'a1é."), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=4), st.integers(1, 7))
def test_only_dangerous_cells_change_however_the_stream_is_cut(table, size):
    held = io.StringIO(newline="")
    csv.writer(held).writerows(table)
    data = held.getvalue().encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    cells = SafeCells()
    safe = b"".join(map(cells.feed, pieces)) + cells.feed(b"", last=True)
    read = list(csv.reader(io.StringIO(safe.decode(), newline="")))
    assert len(read) == len(table)
    for before, after in zip(table, read, strict=True):
        for cell, shown in zip(before, after, strict=True):
            assert shown in (cell, f"'{cell}")
            assert not shown.startswith(("=", "+", "@", "\t", "\r", "\n"))
            assert not shown.startswith("-") or float(shown) <= 0
