"""Home: every domain, its newest stored verdict and what needs a hand."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date
from math import ceil

from dmarcwatch.web import queries
from dmarcwatch.web.charts import Bar, bars, window_to
from dmarcwatch.web.words import ATTENTION, Word, tags, things, verdict_word

VOLUME_DAYS = 30
PAGE = 100
"""Domains on one page: two thousand small charts at once would be two megabytes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a domain before its figures are asked for."""

    domain: str
    verdict: str
    published: str = ""
    trouble: str = ""
    """The first blocker, else the first warning."""
    more: int = 0
    """Further blockers or warnings."""
    step: str = ""
    """The tags to publish next, where a step is advised."""

    @property
    def word(self) -> Word:
        """The verdict's name and colour."""
        return verdict_word(self.verdict)

    @property
    def urgency(self) -> tuple[int, bool, str]:
        """Sorts what needs attention first."""
        place = ATTENTION.index(self.verdict) if self.verdict in ATTENTION else len(ATTENTION)
        return place, not self.trouble, self.domain


@dataclass(frozen=True, slots=True)
class DomainLine:
    """One domain on the page."""

    standing: Standing
    messages: int
    bars: tuple[Bar, ...]
    own: int
    own_passing: int
    last_day: str | None


@dataclass(frozen=True, slots=True)
class Home:
    """One page of the list."""

    lines: tuple[DomainLine, ...]
    domains: int
    """In the whole file."""
    found: int
    """That match what was searched for."""
    summary: str
    search: str
    page: int
    pages: int
    today: date
    volume_days: int = VOLUME_DAYS


def home_page(connection: sqlite3.Connection, today: date, *, search: str, page: int) -> Home:
    """The domains whose name contains `search`, those that need attention first."""
    known = _standings(connection)
    matching = sorted((each for each in known if search in each.domain), key=lambda each: each.urgency)
    pages = max(1, ceil(len(matching) / PAGE))
    page = min(max(1, page), pages)
    shown = matching[(page - 1) * PAGE : page * PAGE]
    return Home(
        lines=_lines(connection, shown, today),
        domains=len(known),
        found=len(matching),
        summary=_summary(known),
        search=search,
        page=page,
        pages=pages,
        today=today,
    )


def _standings(connection: sqlite3.Connection) -> list[Standing]:
    """Every domain; those that a report speaks of and nobody judged yet, too."""
    judged = {}
    for domain, verdict, published, step, blocker, blockers, warning, warnings in queries.standings(
        connection
    ):
        more = max(0, (blockers or warnings or 0) - 1)
        shown = tags(json.loads(published), brief=True) if published else ""
        judged[domain] = Standing(domain, verdict, shown, blocker or warning or "", more, step or "")
    names = dict.fromkeys((*judged, *queries.domains(connection)))
    return [judged.get(name, Standing(name, "")) for name in names]


def _lines(connection: sqlite3.Connection, shown: list[Standing], today: date) -> tuple[DomainLine, ...]:
    names = [each.domain for each in shown]
    window = window_to(today, VOLUME_DAYS)
    volumes: dict[str, dict[str, int]] = {name: {} for name in names}
    for name, day, messages in queries.volumes(connection, names, window.span):
        volumes[name][day] = messages
    own = {name: queries.own_passing(connection, name, window.span) for name in names}
    last = dict(map(tuple, queries.last_days(connection, names)))
    return tuple(
        DomainLine(
            standing=each,
            messages=sum(volumes[each.domain].values()),
            bars=bars([volumes[each.domain].get(day, 0) for day in window.days]),
            own=own[each.domain][0] or 0,
            own_passing=own[each.domain][1] or 0,
            last_day=last.get(each.domain),
        )
        for each in shown
    )


def _summary(known: list[Standing]) -> str:
    """How many domains there are, by verdict."""
    words = [(verdict_word(verdict).text.lower(), sum(each.verdict == verdict for each in known))
             for verdict in ATTENTION]  # fmt: skip
    counts = ", ".join(f"{number} {word}" for word, number in words if number)
    return f"{things(len(known), 'domain')}: {counts}." if known else ""
