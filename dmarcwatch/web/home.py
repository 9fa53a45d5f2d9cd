"""Home: every domain, its newest stored verdict and what needs a hand."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any, NamedTuple

from dmarcwatch.text import count
from dmarcwatch.web import queries
from dmarcwatch.web.blocking import by_stream
from dmarcwatch.web.charts import bars, window_to
from dmarcwatch.web.words import ATTENTION, Word, tags, verdict_word

VOLUME_DAYS = 30
PAGE = 100
"""Domains on one page: two thousand small charts at once would be two megabytes."""


class Standing(NamedTuple):
    """What is known of every domain, to put them in order."""

    domain: str
    verdict: str
    blocked: bool = False

    @property
    def urgency(self) -> tuple[int, bool, str]:
        """Sorts what needs attention first."""
        place = ATTENTION.index(self.verdict) if self.verdict in ATTENTION else len(ATTENTION)
        return place, not self.blocked, self.domain


@dataclass(frozen=True, slots=True)
class DomainLine:
    """One domain on the page."""

    domain: str
    word: Word
    """The verdict's name and colour."""
    published: str
    trouble: str
    """The first blocker, else the first warning."""
    more: int
    """Further senders, or things about the domain, that block or deserve a look."""
    step: str
    """The tags to publish next, where a step is advised."""
    messages: int
    bars: str
    """Messages of each day, as the data of an SVG path."""
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

    @property
    def since(self) -> str:
        """The first day of the volumes."""
        return window_to(self.today, self.volume_days).span.first


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
    judged = {row[0]: Standing(*row) for row in queries.standings(connection)}
    names = dict.fromkeys((*judged, *queries.domains(connection)))
    return [judged.get(name, Standing(name, "")) for name in names]


def _lines(connection: sqlite3.Connection, shown: list[Standing], today: date) -> tuple[DomainLine, ...]:
    names = [each.domain for each in shown]
    window = window_to(today, VOLUME_DAYS)
    volumes: dict[str, dict[str, int]] = {name: {} for name in names}
    for name, day, messages in queries.volumes(connection, names, window.span):
        volumes[name][day] = messages
    documents = {name: json.loads(document) for name, document in queries.documents(connection, names)}
    last = dict(map(tuple, queries.last_days(connection, names)))
    days = window.days
    lines = []
    for domain, verdict, _ in shown:
        own, own_passing = queries.own_passing(connection, domain, window.span)
        daily = volumes[domain]
        lines.append(DomainLine(
            domain, verdict_word(verdict), *_said(documents.get(domain, {})), sum(daily.values()),
            bars([daily.get(day, 0) for day in days]), own or 0, own_passing or 0, last.get(domain),
        ))  # fmt: skip
    return tuple(lines)


def _said(document: Mapping[str, Any]) -> tuple[str, str, int, str]:
    """Published tags, first trouble, how many more, and next tags, as a verdict says them."""
    troubles = by_stream(document.get("blockers") or document.get("warnings") or [{"message": ""}])
    published = tags(document.get("published") or {}, brief=True)
    return published, troubles[0][0]["message"], len(troubles) - 1, document.get("next_tags") or ""


def _summary(known: list[Standing]) -> str:
    """How many domains there are, by verdict."""
    words = [(verdict_word(verdict).text.lower(), sum(each.verdict == verdict for each in known))
             for verdict in ATTENTION]  # fmt: skip
    counts = ", ".join(f"{number} {word}" for word, number in words if number)
    return f"{count(len(known), 'domain')}: {counts}." if known else ""
