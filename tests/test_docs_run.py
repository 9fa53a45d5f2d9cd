"""What the documentation tells people to type works: SQL answers, TOML is read, commands exist, Python runs.

A block of output stands after `<!-- run: … -->` and is what that command prints on the demo's ninety days;
`--update-golden` writes it anew.
"""

import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmarcwatch import demo
from dmarcwatch.cli import main
from dmarcwatch.config import load

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
DAY = "2026-11-21"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"<!-- run: (.+?) -->\n(?:\n```\n.*?\n```\n)?", re.DOTALL)


ELSEWHERE = {"scale"}
"""Pages whose SQL is for the engine that reads Parquet files, and not for the database."""


def blocks(*languages, without=frozenset()):
    return [
        pytest.param(body, id=f"{page.stem}-{number}")
        for page in PAGES
        if page.stem not in without
        for number, (language, body) in enumerate(FENCE.findall(page.read_text("utf-8")))
        if language in languages
    ]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    demo.write(folder / "reports", date.fromisoformat(DAY))
    done = CliRunner().invoke(main, ["--db", str(folder / "a.db"), "-q", "fetch", str(folder / "reports")])
    assert done.exit_code == 0
    return folder / "a.db"


@pytest.mark.parametrize("sql", blocks("sql", without=ELSEWHERE))
def test_every_query_answers(database, sql):
    with closing(sqlite3.connect(database)) as connection:
        cursor = connection.execute(sql)
        cursor.fetchall()
        assert cursor.description


def test_the_query_on_the_sums_finds_nothing(database):
    [sql] = [
        body for language, body in FENCE.findall((ROOT / "docs/trust.md").read_text()) if language == "sql"
    ]
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute(sql).fetchall() == []
        connection.execute("UPDATE _stream_days SET messages = messages + 1")
        assert connection.execute(sql).fetchall() != []
        connection.rollback()


@pytest.mark.parametrize("toml", blocks("toml"))
def test_every_configuration_is_read(tmp_path, toml):
    (tmp_path / "dmarcwatch.toml").write_text(toml)
    load(tmp_path / "dmarcwatch.toml")


def commands(script):
    """The lines that call dmarcwatch, continued lines joined, redirections and pipes cut off."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["dmarcwatch"]:
            ends = [number for number, word in enumerate(words) if word in (">", "|", "&&")]
            yield words[1 : min(ends, default=len(words))]


@pytest.mark.parametrize("script", [each for each in blocks("sh") if "dmarcwatch " in each.values[0]])
def test_every_command_and_option_exists(script):
    for words in commands(script):
        done = CliRunner().invoke(main, [*words, "--help"])
        assert done.exit_code == 0, (words, done.output)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text("utf-8")], ids=lambda page: page.stem
)
def test_the_python_of_a_page_runs_from_its_top_to_its_end(page):
    program = "\n".join(
        body for language, body in FENCE.findall(page.read_text("utf-8")) if language == "python"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stderr == ""
    assert done.stdout


SESSIONS = [(page, command) for page in PAGES for command in RUN.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("page", "command"), SESSIONS, ids=lambda each: getattr(each, "stem", None) or each.split()[0]
)
def test_what_a_page_shows_is_what_is_printed(request, database, page, command):
    done = CliRunner().invoke(main, ["--db", str(database), *shlex.split(command)])
    assert done.exit_code == 0, done.output
    wanted = f"<!-- run: {command} -->\n\n```\n{done.stdout.rstrip()}\n```\n"
    text = page.read_text("utf-8")
    if request.config.getoption("--update-golden"):
        pattern = re.compile(RUN.pattern.replace("(.+?)", re.escape(command)), re.DOTALL)
        page.write_text(pattern.sub(lambda _: wanted, text), "utf-8")
    else:
        assert wanted in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page):
    text = page.read_text("utf-8")
    for target, _, place in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]+))?\)", text):
        other = (page.parent / target) if target else page
        assert other.exists(), target
        if place:
            heads = {
                re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-")
                for head in re.findall(r"(?m)^#+ (.+)$", other.read_text("utf-8"))
            }
            assert place in heads, place
