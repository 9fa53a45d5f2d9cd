"""Inbox: what the runs brought, what could not be read or believed, and what no verdict reads."""

import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from dmarcwatch.web import queries_inbox
from dmarcwatch.web.words import Word, held_word, tier_word

RUNS_SHOWN = 10
ROWS_SHOWN = 20
"""What stands lower on the page must not be lost below hundreds of rows; tables hold them all."""


class Run(NamedTuple):
    """One run on one source; numbers are None while it runs or if it was killed."""

    id: int
    source: str
    started_at: str
    ended_at: str | None
    collected: int | None
    """Items that were read."""
    reports: int | None
    duplicates: int | None
    set_aside: int | None
    rejects: int | None
    records: int | None
    messages: int | None
    problems: int | None
    unread_messages: int | None
    error: str | None


class Reason(NamedTuple):
    """Why things were rejected, and how often."""

    reason: str
    rejects: int
    last: str | None


class Reject(NamedTuple):
    """One item or part that gave no report."""

    id: int
    reason: str
    message: str
    name: str
    origin: str
    size: int
    received_at: str | None


class HeldReport(NamedTuple):
    """One report that cannot be what it says, and is kept without being counted."""

    report: int
    reporter: str
    domain: str
    begin: str
    end: str
    messages: int
    tier: Word
    why: Word
    found: str

    @property
    def release(self) -> str:
        """What to type to let it through."""
        return f"dmarcwatch rejects --release {self.report}"


class Aside(NamedTuple):
    """Parts of one kind that the verdict does not read."""

    kind: str
    parts: int
    unread: int
    """Those that could not be read."""


class Problem(NamedTuple):
    """One unusable part of a report."""

    report: int
    reporter: str
    domain: str
    day: str
    path: str
    found: str
    messages: int | None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """All of the page."""

    runs: tuple[Run, ...]
    reasons: tuple[Reason, ...]
    rejects: tuple[Reject, ...]
    held_reasons: tuple[tuple[Word, int], ...]
    held: tuple[HeldReport, ...]
    problems: tuple[Problem, ...]
    set_aside: tuple[Aside, ...]
    today: date

    @property
    def rejected(self) -> int:
        """Rejects in all."""
        return sum(reason.rejects for reason in self.reasons)

    @property
    def held_all(self) -> int:
        """Held reports in all."""
        return sum(number for _, number in self.held_reasons)


def inbox_page(connection: sqlite3.Connection, today: date) -> InboxPage:
    """The newest of everything."""
    return InboxPage(
        runs=tuple(Run(*row) for row in queries_inbox.runs(connection, RUNS_SHOWN)),
        reasons=tuple(Reason(*row) for row in queries_inbox.reject_reasons(connection)),
        rejects=tuple(Reject(*row) for row in queries_inbox.rejects(connection, ROWS_SHOWN)),
        held_reasons=tuple((held_word(why), n) for why, n in queries_inbox.held_reasons(connection)),
        held=tuple(_held(*row) for row in queries_inbox.held(connection, ROWS_SHOWN)),
        problems=tuple(Problem(*row) for row in queries_inbox.problems(connection, ROWS_SHOWN)),
        set_aside=tuple(Aside(*row) for row in queries_inbox.set_aside(connection)),
        today=today,
    )


def _held(report: int, reporter: str, *row: Any) -> HeldReport:
    domain, begin, end, messages, tier, why, found = row
    return HeldReport(report, reporter, domain, begin, end, messages, tier_word(tier), held_word(why), found)
