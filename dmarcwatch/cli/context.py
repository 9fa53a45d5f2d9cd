"""What every command shares: the options before its name, and how answers and talk are printed."""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from platformdirs import user_config_path, user_data_path

from dmarcwatch.config import Config, load
from dmarcwatch.text import visible

CONFIG_NAME = "dmarcwatch.toml"
_FOREIGN = re.compile("[^\\n -~\u00a1-\u00ac\u00ae-\u02ff]")
"""Characters that may be more than they look; the others are those of most answers."""


class Day(click.ParamType[date]):
    """A day as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day, or a usage error that shows the form."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day like 2026-11-30.", param, ctx)


@dataclass
class Settings:
    """The options before the command, and what follows from them."""

    db: Path | None
    config_path: Path | None
    verbose: bool
    quiet: bool
    clock: datetime | None = None
    """Stands in for the moment this command began, for `demo`'s own days; aware UTC."""

    @cached_property
    def config(self) -> Config:
        """The configuration; an empty one where there is no file. Raises ConfigError."""
        return load(self.config_path or _default_config(), must_exist=self.config_path is not None)

    @cached_property
    def database_path(self) -> Path:
        """--db, else `database` of the configuration, else the platform's data folder."""
        return self.db or self.config.database or user_data_path("dmarcwatch") / "dmarcwatch.db"

    @cached_property
    def now(self) -> datetime:
        """The moment this command began, aware UTC: the only time the clock is read."""
        return self.clock or datetime.now(UTC)

    @property
    def today(self) -> date:
        """The day judged from, unless an option names another."""
        return self.now.date()

    def say(self, text: str) -> None:
        """Talk, on standard error, unless --quiet."""
        if not self.quiet:
            click.echo("\n".join(map(visible, text.splitlines())), err=True)


def _default_config() -> Path:
    here = Path(CONFIG_NAME)
    return here if here.exists() else user_config_path("dmarcwatch") / CONFIG_NAME


def print_json(value: object) -> None:
    """An answer for programs, on standard output; what a terminal would obey stands as JSON's own escape."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    click.echo(_FOREIGN.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def width() -> int:
    """Columns to print in: the terminal's, at most 100; 100 where there is none."""
    return min(100, shutil.get_terminal_size((100, 24)).columns) if sys.stdout.isatty() else 100


def colour() -> bool:
    """Whether standard output is a terminal that shows colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
