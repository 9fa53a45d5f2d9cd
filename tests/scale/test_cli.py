"""`dmarcwatch scale` and `dmarcwatch import` as a user runs them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dmarcwatch.compose import compose
from tests.build import policy, record, report

ENVIRONMENT = os.environ | {"TZ": "UTC"}


def command(*argv, database=None):
    options = ["--db", str(database)] if database else []
    return [sys.executable, "-m", "dmarcwatch", *options, *map(str, argv)]


def run(*argv, database=None):
    return subprocess.run(
        command(*argv, database=database), capture_output=True, text=True, env=ENVIRONMENT, timeout=240
    )


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(40):
        domain = ("example.com", "example.net")[number % 2]
        head = report(report_id=f"r{number}", policy=policy(domain=domain))
        (folder / f"{number:02d}.xml").write_bytes(compose(head, [record(f"10.0.0.{number}")]))
    return folder


def test_one_command_reads_and_one_brings_it_into_the_database(tmp_path, inbox):
    done = run("scale", tmp_path / "set", inbox, "--workers", 2, "--batch", 10, "--json")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    (summary,) = json.loads(done.stdout)
    assert (summary["objects"], summary["accounts"]["reports"]) == (40, 40)
    brought = run("import", tmp_path / "set", database=tmp_path / "d.db")
    assert brought.stdout.startswith("1 increment, 2 domains, 40 reports"), brought.stderr
    verdict = run("verdict", "example.com", "--json", database=tmp_path / "d.db")
    assert json.loads(verdict.stdout)[0]["evidence"]["reports"] == 20
    assert "example.com" in run("sources", database=tmp_path / "d.db").stdout


def test_one_domain_alone_may_be_imported(tmp_path, inbox):
    run("scale", tmp_path / "set", inbox, "--workers", 1)
    done = run(
        "import",
        tmp_path / "set",
        "--domain",
        "*.NET",
        "--without-reports",
        "--json",
        database=tmp_path / "d.db",
    )
    found = json.loads(done.stdout)
    assert (found["domains"], found["reports"], found["stream_days"]) == (["example.net"], 0, 1)


def test_a_job_killed_in_its_middle_is_finished_by_the_same_command(tmp_path, inbox):
    argv = ("scale", tmp_path / "set", inbox, "--workers", 1, "--batch", 2, "--json")
    parts = tmp_path / "set/increments/000001/parts"
    process = subprocess.Popen(
        command(*argv), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        while process.poll() is None and not (parts.exists() and list(parts.glob("[0-9]*"))):
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "set/increments/000001/manifest.json").exists()
    done = run(*argv)
    assert done.returncode == 0, done.stderr
    assert "begun by an earlier run" in done.stderr
    (summary,) = json.loads(done.stdout)
    assert summary["accounts"]["reports"] == 40


def test_what_could_not_be_read_is_told_by_the_exit_status(tmp_path, inbox):
    (inbox / "bad.xml").write_text("<feedback><report_metadata></feedback>")
    done = run("scale", tmp_path / "set", inbox, "--workers", 1)
    assert done.returncode == 6
    assert "1 reject," in done.stdout
    assert run("scale", tmp_path / "set", inbox, "--workers", 1).stdout == "There is nothing new.\n"
    run("import", tmp_path / "set", database=tmp_path / "d.db")
    assert "malformed" in run("rejects", database=tmp_path / "d.db").stdout


def test_a_database_that_fetch_filled_is_not_imported_over(tmp_path, inbox):
    run("fetch", inbox, database=tmp_path / "d.db")
    run("scale", tmp_path / "set", inbox, "--workers", 1)
    done = run("import", tmp_path / "set", database=tmp_path / "d.db")
    assert done.returncode == 5
    assert "40 items that `fetch` stored" in done.stderr


def test_fetch_after_an_import_knows_what_was_imported(tmp_path, inbox):
    run("scale", tmp_path / "set", inbox, "--workers", 1)
    run("import", tmp_path / "set", database=tmp_path / "d.db")
    again = inbox.rename(Path(tmp_path / "elsewhere"))
    done = json.loads(run("fetch", again, "--json", database=tmp_path / "d.db").stdout)
    assert (done["reports"], done["duplicates"]) == (0, 40)
    with sqlite3.connect(tmp_path / "d.db") as connection:
        assert connection.execute("SELECT sum(messages) FROM stream_days").fetchone() == (120,)
    assert run("rebuild", database=tmp_path / "d.db").returncode == 0
    with sqlite3.connect(tmp_path / "d.db") as connection:
        assert connection.execute("SELECT sum(messages) FROM stream_days").fetchone() == (120,)


@pytest.mark.parametrize(
    ("argv", "status", "said"),
    [
        (("scale", "set"), 2, "There is nothing to read"),
        (("scale", "set", "imaps://me@mail.example/INBOX"), 2, "has no list of objects"),
        (("scale", "set", "nowhere"), 4, "cannot be read"),
        (("import", "nowhere"), 2, "holds no data set"),
    ],
)
def test_a_mistake_is_said_in_a_sentence(tmp_path, monkeypatch, argv, status, said):
    monkeypatch.chdir(tmp_path)
    done = run(*argv, database=tmp_path / "d.db")
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
    assert said in done.stderr
