"""The invented organisation of demo.toml as values: who reports on it, who sends as it, and how."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from dmarcwatch.compose import Packing
from dmarcwatch.errors import ConfigError
from dmarcwatch.report import Dialect
from dmarcwatch.tables import Reader


@dataclass(frozen=True, slots=True)
class Mail:
    """One way in which a stream's mail authenticates."""

    spf: str
    """Domain and result."""
    dkim: tuple[str, ...] = ()
    """Domain, selector and result of each signature."""
    reason: str | None = None
    """Type and comment of the override reason."""
    weight: int = 1
    """How often, against the stream's other ways."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Mail of one origin."""

    per_weekday: tuple[int, ...]
    """Reported messages a day, Monday first, before chance."""
    networks: tuple[str, ...]
    mail: tuple[Mail, ...]
    header_from: str | None = None
    """None is the domain itself."""
    days: tuple[int, ...] = ()
    """First and last day, as days before `as_of`; empty for all."""
    reporters: tuple[str, ...] = ()
    """Who sees it; empty for everybody the domain writes to."""
    unseen_by: tuple[str, ...] = ()
    """Who never does."""
    new_networks_daily: int = 0
    """/24s and /48s it uses each day and never again; 0 for all addresses of `networks` every day."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of the organisation, published with p=none."""

    name: str
    stream: tuple[Stream, ...]
    reporters: tuple[str, ...] = ()
    """Whom it writes to; empty for everybody."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """A reporting organisation and the form of its reports."""

    org_name: str
    email: str
    host: str
    """The first part of its files' names."""
    share: int
    """Of the mail that is reported, against the others'."""
    report_id: str
    """Its form, made of `{number}`, `{short}`, `{hex}`, `{uuid}` and `{end}`."""
    states: tuple[str, ...]
    """Which fields of the published policy it states beside `p`."""
    names: tuple[str, ...]
    """What its records name: `selector`, `scope`, `envelope`."""
    packing: Packing
    mail: bool = False
    """Comes as a mail; else as the file that was attached to one."""
    extra_contact_info: str | None = None
    dialect: Dialect = Dialect.RFC7489
    every: int = 1
    """Days between its reports."""
    envelope_to: str | None = None
    shared_midnight: bool = False
    """Ends its day at the next midnight instead of the last second."""
    sent_again: tuple[int, ...] = ()
    """Days before `as_of` whose report came twice."""


@dataclass(frozen=True, slots=True)
class World:
    """All of demo.toml."""

    seed: str
    days: int
    config: str
    """The configuration that goes with it, as TOML."""
    reporter: tuple[Reporter, ...]
    domain: tuple[Domain, ...]


@cache
def world() -> World:
    """The invented world. Raises ConfigError where demo.toml does not fit these classes."""
    reader = Reader(Path("demo.toml"))
    table = tomllib.loads((files("dmarcwatch.demo") / "demo.toml").read_text("utf-8"))
    made = reader.make(World, table, "")
    if made is None:
        raise ConfigError(reader.problems)
    return made
