"""Inbox: what the runs brought, what could not be read and why, and the problems inside reports."""

import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dmarcwatch.web import queries_inbox

RUNS_SHOWN = 30
ROWS_SHOWN = 50


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
    problems: tuple[Problem, ...]
    set_aside: tuple[tuple[str, int], ...]
    today: date

    @property
    def rejected(self) -> int:
        """Rejects in all."""
        return sum(reason.rejects for reason in self.reasons)


def inbox_page(connection: sqlite3.Connection, today: date) -> InboxPage:
    """The newest of everything."""
    return InboxPage(
        runs=tuple(Run(*row) for row in queries_inbox.runs(connection, RUNS_SHOWN)),
        reasons=tuple(Reason(*row) for row in queries_inbox.reject_reasons(connection)),
        rejects=tuple(Reject(*row) for row in queries_inbox.rejects(connection, ROWS_SHOWN)),
        problems=tuple(Problem(*row) for row in queries_inbox.problems(connection, ROWS_SHOWN)),
        set_aside=tuple((kind, number) for kind, number in queries_inbox.set_aside(connection)),
        today=today,
    )
