"""Reporters: who reports on a domain, on which days, how far that is trusted, and who fell silent."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from dmarcwatch.web import queries, queries_inbox
from dmarcwatch.web.charts import Window
from dmarcwatch.web.domain import shown
from dmarcwatch.web.words import Word, tier_word

REPORTERS_SHOWN = 60
REGULAR_DAYS = 10
"""A reporter is regular that reported on this many of the days shown."""
SILENT_DAYS = 7
DUE_DAYS = 2
"""Reports of today and yesterday are still under way (JUDGEMENT 6)."""


class Cell(NamedTuple):
    """One day of one reporter."""

    x: int
    day: str
    reports: int
    messages: int
    trusted: bool
    width: int
    """Days the report covers, within those shown."""


@dataclass(frozen=True, slots=True)
class ReporterLine:
    """One reporting organisation."""

    name: str
    tiers: tuple[Word, ...]
    reports: int
    messages: int
    first: str
    last: str
    silent_days: int
    silent: bool
    """It was regular and is not heard of any more."""
    not_shown: int
    """Messages it says passed although its own evidence does not show why."""
    not_passed: int
    """Messages it says failed although its own evidence shows an aligned pass."""
    cells: tuple[Cell, ...]


class CalendarDay(NamedTuple):
    """One day of the calendar."""

    day: str
    week: int
    """Column, from 0."""
    weekday: int
    """Row, Monday is 0."""
    reporters: int
    messages: int


class Tile(NamedTuple):
    """A day in the calendar's drawing."""

    day: CalendarDay
    shade: str
    """`level0` for none to `level4` for the most organisations; `pending` where reports are still due."""


@dataclass(frozen=True, slots=True)
class ReportersPage:
    """All of the page."""

    domain: str
    domains: tuple[str, ...]
    """All that can be chosen, only while they are few."""
    window: Window
    days: int
    lines: tuple[ReporterLine, ...]
    reporters_all: int
    calendar: tuple[Tile, ...]
    weeks: int
    uncovered: int
    """Days shown without any report that counts, though it is time."""
    today: date


def reporters_page(
    connection: sqlite3.Connection, domain: str | None, today: date, *, days: int
) -> ReportersPage | None:
    """The page of a domain, of the first one where none is named; None if no report speaks of it."""
    domains = queries.domains(connection)
    name = domain if domain is not None else next(iter(domains), "")
    first, last = queries.days_known(connection, name)
    if first is None:
        return None
    window = shown(last, today, days)
    seen = _seen(connection, name, window)
    lines = _lines(connection, name, window, seen)
    calendar = _calendar(window, seen, today)
    return ReportersPage(
        domain=name,
        domains=domains[:200],
        window=window,
        days=days,
        lines=lines[:REPORTERS_SHOWN],
        reporters_all=len(lines),
        calendar=calendar,
        weeks=1 + max(tile.day.week for tile in calendar),
        uncovered=sum(tile.shade == "level0" for tile in calendar),
        today=today,
    )


Seen = dict[str, list[Cell]]


def _seen(connection: sqlite3.Connection, name: str, window: Window) -> dict[tuple[str, str], list[Cell]]:
    """Days by reporter and tier."""
    places = {day: index for index, day in enumerate(window.days)}
    seen: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for reporter, day, tier, span, reports, messages in queries_inbox.coverage(connection, name, window.span):
        x = places[day]
        width = min(span, len(places) - x)
        seen[reporter, tier].append(Cell(x, day, reports, messages, tier in ("local", "verified"), width))
    return seen


def _lines(
    connection: sqlite3.Connection, name: str, window: Window, seen: dict[tuple[str, str], list[Cell]]
) -> tuple[ReporterLine, ...]:
    found = {row[0]: row[1:] for row in queries_inbox.contradictions(connection, name, window.span)}
    cells: Seen = defaultdict(list)
    tiers: dict[str, set[str]] = defaultdict(set)
    for (reporter, tier), days in seen.items():
        cells[reporter] += days
        tiers[reporter].add(tier)
    lines = []
    for reporter, first, last, reports, messages in queries_inbox.reporter_bounds(connection, name):
        quiet = (window.last - date.fromisoformat(last)).days
        days = cells.get(reporter, [])
        not_shown, not_passed = found.get(reporter, (0, 0))
        lines.append(ReporterLine(
            reporter, tuple(tier_word(tier) for tier in sorted(tiers.get(reporter, ()))), reports, messages,
            first, last, quiet, quiet > SILENT_DAYS and len({cell.day for cell in days}) >= REGULAR_DAYS,
            not_shown, not_passed, tuple(sorted(days)),
        ))  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (-line.messages, line.name)))


def _calendar(window: Window, seen: dict[tuple[str, str], list[Cell]], today: date) -> tuple[Tile, ...]:
    """Every day shown, with the organisations that counted on it."""
    reporters: dict[int, set[str]] = defaultdict(set)
    messages: dict[int, int] = defaultdict(int)
    for (reporter, _), cells in seen.items():
        for cell in cells:
            if cell.trusted:
                messages[cell.x] += cell.messages
                for x in range(cell.x, cell.x + cell.width):
                    reporters[x].add(reporter)
    most = max(map(len, reporters.values()), default=0)
    lead = window.first.weekday()
    due = (today - timedelta(days=DUE_DAYS)).isoformat()
    tiles = []
    for x, day in enumerate(window.days):
        number = len(reporters[x])
        week, weekday = divmod(x + lead, 7)
        shade = "pending" if not number and day > due else f"level{-(-4 * number // most) if most else 0}"
        tiles.append(Tile(CalendarDay(day, week, weekday, number, messages[x]), shade))
    return tuple(tiles)
