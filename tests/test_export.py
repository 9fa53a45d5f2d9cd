"""Rows taken away: nothing is lost on the way, nothing becomes a formula, memory stays flat."""

import csv
import io
import json
import stat
import subprocess
import sys

import pyarrow.parquet
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.cells import begins_formula, safe_cell
from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.export import Column, Format, Rows, write
from dmarcwatch.store.extracts import What, extract
from tests.build import policy, record, report
from tests.database import feed, fresh, rows

FORMULA = '=HYPERLINK("http://x.example","a,b")'


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "dmarcwatch.db"
    with fresh(path) as database:
        feed(
            database,
            compose(report(org_name=FORMULA), [record(), record("192.0.2.7", 9)]),
            compose(report(policy=policy(domain="example.org")), [record(messages=1)]),
        )
    return path


def run(path, *arguments):
    return CliRunner().invoke(main, ["--db", str(path), "-q", "export", *arguments])


def lines(done):
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_records_come_with_the_report_they_are_of(database):
    found = lines(run(database, "records", "--format", "jsonl"))
    assert [(row["policy_domain"], row["source_ip"], row["messages"]) for row in found] == [
        ("example.com", "54.240.8.11", 3),
        ("example.com", "192.0.2.7", 9),
        ("example.org", "54.240.8.11", 1),
    ]
    assert found[0]["org_name"] == FORMULA
    assert found[0]["dkim"][0]["domain"] == "example.com"


def test_csv_and_json_lines_hold_the_same(database):
    as_csv = list(csv.DictReader(io.StringIO(run(database, "records").stdout)))
    as_json = lines(run(database, "records", "--format", "jsonl"))
    assert [list(row) for row in as_csv] == [list(row) for row in as_json]
    assert [int(row["messages"]) for row in as_csv] == [row["messages"] for row in as_json]
    assert [row["envelope_to"] for row in as_csv] == ["", "", ""]
    assert [row["envelope_to"] for row in as_json] == [None, None, None]


def test_no_cell_of_the_csv_begins_a_formula(database):
    read = list(csv.reader(io.StringIO(run(database, "records").stdout)))
    assert [f"'{FORMULA}" in row for row in read] == [False, True, True, False]
    assert not any(begins_formula(cell) for row in read for cell in row)


def test_parquet_has_numbers_as_numbers(database, tmp_path):
    path = tmp_path / "records.parquet"
    assert run(database, "records", "--format", "parquet", "--output", str(path)).exit_code == 0
    table = pyarrow.parquet.read_table(path)
    assert table.column("messages").to_pylist() == [3, 9, 1]
    assert table.column("org_name").to_pylist()[0] == FORMULA
    assert {str(table.schema.field(name).type) for name in ("messages", "forwarded", "report")} == {"int64"}


@pytest.mark.parametrize("what", [str(each) for each in What])
@pytest.mark.parametrize("form", [str(each) for each in Format])
def test_every_table_can_be_written_in_every_form(database, tmp_path, what, form):
    path = tmp_path / "out"
    assert run(database, what, "--format", form, "--output", str(path)).exit_code == 0
    with fresh(database) as opened:
        count = sum(1 for _ in extract(opened.conn, What(what)).rows)
    size = {
        "csv": lambda: len(list(csv.reader(io.StringIO(path.read_text(), newline="")))) - 1,
        "jsonl": lambda: len(path.read_text().splitlines()),
        "parquet": lambda: pyarrow.parquet.read_table(path).num_rows,
    }
    assert size[form]() == count


def test_one_domain_and_later_days_can_be_asked_for(database):
    assert len(lines(run(database, "records", "--format", "jsonl", "--domain", "example.org"))) == 1
    assert len(lines(run(database, "stream-days", "--format", "jsonl", "--since", "2026-11-18"))) == 3
    assert lines(run(database, "stream-days", "--format", "jsonl", "--since", "2026-11-19")) == []
    assert run(database, "records", "--domain", "example.net").exit_code == 2


@pytest.mark.parametrize("what", [str(each) for each in What])
def test_nothing_is_sorted_on_the_way(database, what):
    """A sort would hold all rows before the first is written."""
    with fresh(database) as opened:
        statements = []
        opened.conn.set_trace_callback(statements.append)
        list(extract(opened.conn, What(what)).rows)
        opened.conn.set_trace_callback(None)
        query = next(text for text in statements if text.startswith("SELECT"))
        plan = " ".join(row[3] for row in rows(opened, f"EXPLAIN QUERY PLAN {query}"))
        assert "TEMP B-TREE" not in plan


def test_a_file_is_its_owners_and_takes_the_place_of_an_older_one_whole(database, tmp_path):
    path = tmp_path / "streams.csv"
    path.write_text("old")
    assert run(database, "streams", "--output", str(path)).exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("key,id,")
    assert [each.name for each in tmp_path.iterdir()] == ["streams.csv"]


def test_a_folder_that_is_not_there_is_a_sentence(database, tmp_path):
    done = run(database, "streams", "--output", str(tmp_path / "nowhere" / "a.csv"))
    assert (done.exit_code, "cannot be written" in done.stderr) == (2, True)


def test_whoever_stops_reading_ends_the_export_without_a_traceback(database):
    program = f"{sys.executable} -m dmarcwatch --db {database} export records --format jsonl | head -c 1"
    done = subprocess.run(program, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_rows_are_written_as_they_come():
    """The second group is read after the first was written, whatever the form."""
    seen = []

    def endless():
        for number in range(120_000):
            if number == 119_999:
                seen.append(out.tell())
            yield (number, "x" * 10)

    for form in Format:
        out = io.BytesIO()
        columns = (Column("n", "INTEGER"), Column("text", "TEXT"))
        assert write(Rows(columns, endless()), form, out) == 120_000
    assert all(position > 100_000 for position in seen)


@given(st.text())
def test_a_safe_cell_begins_no_formula_and_loses_nothing(text):
    cell = safe_cell(text)
    assert not begins_formula(cell)
    assert cell in (text, f"'{text}")


@pytest.mark.parametrize("number", ["-1", "-0.5", "-1e-07", "-inf", "12"])
def test_numbers_stay_numbers(number):
    assert safe_cell(number) == number
