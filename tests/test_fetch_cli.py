"""`fetch` of several sources, of a database that is in use, and within bounds."""

import json

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.store.database import open_database
from dmarcwatch.store.lock import only_writer
from tests.build import record, report
from tests.collectors.servers import free_port
from tests.database import rows


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "reports").mkdir()
    for number in range(3):
        document = compose(report(report_id=f"{number}"), [record(messages=number + 1)])
        (tmp_path / "reports" / f"{number}.xml").write_bytes(document)
    return tmp_path


def fetch(folder, *arguments, config=""):
    (folder / "dmarcwatch.toml").write_text(config)
    options = ["--db", str(folder / "dmarc.db"), "--config", str(folder / "dmarcwatch.toml")]
    return CliRunner().invoke(main, [*options, "fetch", *map(str, arguments)])


def test_a_source_that_fails_is_named_and_the_others_are_fetched(folder):
    port = free_port()
    done = fetch(
        folder,
        config=f"""
[[source]]
kind = "imap"
host = "127.0.0.1"
port = {port}
user = "rua"
password = {{ command = ["echo", "secret"] }}
[[source]]
kind = "files"
path = "{folder / "missing"}"
[[source]]
kind = "files"
path = "{folder / "reports"}"
""",
    )
    assert done.exit_code == 4
    assert done.stdout.startswith("3 items: 3 reports stored")
    lines = done.stderr.splitlines()
    assert f"imap://rua@127.0.0.1:{port}: nothing listens on port {port}" in lines[0]
    assert "Check host and port" in lines[1]
    assert "missing" in lines[2]
    database = open_database(folder / "dmarc.db")
    runs = rows(database, "SELECT reports, error IS NULL, ended_at IS NULL FROM runs ORDER BY id")
    assert runs == [(0, 0, 0), (0, 0, 0), (3, 1, 0)]
    database.close()


def test_a_second_fetch_leaves_it_to_the_first(folder):
    with only_writer(folder / "dmarc.db") as alone:
        assert alone
        done = fetch(folder, folder / "reports")
    assert done.exit_code == 0
    assert done.stderr.startswith("Another fetch is under way on this database")
    assert not (folder / "dmarc.db").exists()


def test_bounded_runs_bring_everything_in_the_end(folder):
    brought = []
    for _ in range(4):
        done = fetch(folder, "--limit", 2, "--json", folder / "reports")
        brought.append(json.loads(done.stdout)["reports"])
    assert brought == [2, 1, 0, 0]


def test_a_source_that_cannot_do_what_is_asked_costs_only_itself(folder):
    (folder / "not-a-maildir").mkdir()
    done = fetch(
        folder,
        config=f"""
[[source]]
kind = "files"
path = "{folder / "not-a-maildir"}"
settle = "seen"
[[source]]
kind = "files"
path = "{folder / "reports"}"
""",
    )
    assert done.exit_code == 2, done.output
    assert "files cannot be marked as seen" in done.stderr
    assert "3 reports stored" in done.stdout
