"""`dmarcwatch serve --open`: a browser is given an address that answers, be it one that the terminal waits for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dmarcwatch.store.database import open_database

BROWSER = """#!{python}
import os, pathlib, signal, sys, urllib.request
address = sys.argv[1]
status = urllib.request.urlopen(address, timeout=120).status
pathlib.Path({seen!r}).write_text(f"{{address}} {{status}}")
if address.startswith("http"):
    os.kill(os.getppid(), signal.SIGINT)
"""
"""Looks at the page, writes down where that was, and ends the server as Ctrl-C does."""


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen"


@pytest.fixture
def served(tmp_path: Path, seen: Path):
    """Runs `serve --open` with further options, until it has ended; what it said."""
    database, browser = tmp_path / "dmarcwatch.db", tmp_path / "browser"
    open_database(database).close()
    browser.write_text(BROWSER.format(python=sys.executable, seen=str(seen)), "utf-8")
    browser.chmod(0o700)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dmarcwatch", "--db", str(database), "serve", "--open", *options]
        surroundings = {**os.environ, "BROWSER": f"{browser} %s"}
        return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=300)

    return run


def test_open_gives_the_browser_the_address_that_is_announced_and_it_answers(served, seen):
    done = served("--port", "0")
    assert done.returncode == 0, done.stderr
    address, status = seen.read_text("utf-8").split()
    assert status == "200"
    assert address.startswith("http://127.0.0.1:")
    assert address in done.stderr


def test_open_gives_the_browser_the_path_prefix_as_well(served, seen):
    assert served("--port", "0", "--base-url", "/dmarc/").returncode == 0
    address, status = seen.read_text("utf-8").split()
    assert address.endswith("/dmarc/")
    assert status == "200"


def test_open_shows_the_first_of_the_pages_that_were_written_as_files(served, seen, tmp_path):
    done = served("--static", str(tmp_path / "pages"))
    assert done.returncode == 0, done.stderr
    assert seen.read_text("utf-8").split()[0] == (tmp_path / "pages" / "index.html").as_uri()
