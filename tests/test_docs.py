"""What the documentation lists is what the program has. `--update-golden` writes the lists anew."""

import ast
import re
from dataclasses import MISSING, fields
from enum import StrEnum
from inspect import getsource
from pathlib import Path
from textwrap import dedent

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.cli import COMMANDS
from dmarcwatch.collect.sources import FileSource, GoogleSignIn, ImapSource, MicrosoftSignIn, S3Source
from dmarcwatch.config import General
from dmarcwatch.history import Declared
from dmarcwatch.notify.settings import Channel, Notify
from dmarcwatch.store.database import open_database
from dmarcwatch.thresholds import Thresholds

DOCS = Path(__file__).parent.parent / "docs"
LISTS = {
    "general": General,
    "source.imap": ImapSource,
    "source.files": FileSource,
    "source.s3": S3Source,
    "oauth.microsoft": MicrosoftSignIn,
    "oauth.google": GoogleSignIn,
    "domain": Declared,
    "notify": Notify,
    "notify.channel": Channel,
    "thresholds": Thresholds,
    "budgets": Budgets,
}


def meanings(kind):
    """The docstring below each field of a dataclass, on one line."""
    body = ast.parse(dedent(getsource(kind))).body[0].body
    found = {}
    for field, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(below.value)).split())
    return found


def default(field):
    return "needed" if field.default is MISSING else written(field.default)


def written(value):
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value:_}`" if value >= 10_000 else f"`{value}`"
    if isinstance(value, str | StrEnum):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return f"`{list(value)}`".replace("'", '"')
    return ", ".join(f"{each.name} {getattr(value, each.name)}" for each in fields(value))


def table(kind):
    said = meanings(kind)
    rows = [f"| `{each.name}` | {default(each)} | {said.get(each.name, '')} |" for each in fields(kind)]
    return "\n".join(["| key | default | means |", "| --- | --- | --- |", *rows])


@pytest.mark.parametrize("mark", LISTS)
def test_every_key_of_the_configuration_is_documented(request, mark):
    page = DOCS / "configuration.md"
    text = page.read_text("utf-8")
    wanted = f"<!-- keys: {mark} -->\n\n{table(LISTS[mark])}\n"
    pattern = re.compile(rf"<!-- keys: {re.escape(mark)} -->\n(?:\n\|.*?\n(?=\n|\Z))?", re.DOTALL)
    assert len(pattern.findall(text)) == 1
    if request.config.getoption("--update-golden"):
        page.write_text(pattern.sub(lambda _: wanted, text), "utf-8")
    else:
        assert wanted in text


def test_every_threshold_has_its_reason():
    said = meanings(Thresholds)
    assert [each.name for each in fields(Thresholds) if not said.get(each.name)] == []


def test_every_budget_has_its_reason():
    said = meanings(Budgets)
    assert [each.name for each in fields(Budgets) if not said.get(each.name)] == []


def test_every_public_table_is_documented(tmp_path):
    database = open_database(tmp_path / "dmarcwatch.db")
    names = {name for name in (*database.table_names(), *database.view_names()) if not name.startswith("_")}
    database.close()
    text = (DOCS / "database.md").read_text("utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_every_command_is_mentioned_somewhere():
    text = "\n".join(page.read_text("utf-8") for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"])
    assert [name for name in COMMANDS if f"dmarcwatch {name}" not in text] == []
