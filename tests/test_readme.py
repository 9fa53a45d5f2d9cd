"""The README shows what the program prints today. `--update-golden` writes it anew."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from dmarcwatch import demo

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DAY = "2026-11-21"


def run(*arguments):
    command = [sys.executable, "-m", "dmarcwatch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    demo.write(folder / "reports", date.fromisoformat(DAY))
    run("--db", str(folder / "demo.db"), "-q", "fetch", str(folder / "reports"))
    return folder / "demo.db"


def block(text, mark, update):
    """Hold the fenced block after `<!-- mark -->` against `text`."""
    readme = README.read_text("utf-8")
    wanted = f"<!-- {mark} -->\n\n```\n{text.rstrip()}\n```\n"
    pattern = re.compile(rf"<!-- {re.escape(mark)} -->\n(?:\n```\n.*?\n```\n)?", re.DOTALL)
    assert len(pattern.findall(readme)) == 1
    if update:
        README.write_text(pattern.sub(lambda _: wanted, readme), "utf-8")
    else:
        assert wanted in readme


def test_the_commands_are_those_of_help(request):
    block(run("--help"), "help", request.config.getoption("--update-golden"))


def test_the_session_prints_what_the_readme_shows(request, database):
    printed = run("--db", str(database), "verdict", "example.com", "--as-of", DAY)
    block(printed, "session: verdict example.com", request.config.getoption("--update-golden"))


def test_every_linked_page_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        assert (ROOT / target).exists(), target
