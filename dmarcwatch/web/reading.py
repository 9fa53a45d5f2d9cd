"""One page, read: the database it is of, one snapshot of it, and who may see that."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from datasette.utils import sqlite_timelimit
from datasette.utils.asgi import Forbidden, Request

from dmarcwatch.web.layout import Layout, is_ours, layout_of
from dmarcwatch.web.links import Links, settings

TIME_LIMIT_MS = 10_000
"""For one page; the slowest, alignment recomputed from a million records, takes two seconds."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that says what is so where there is nothing else to show."""

    title: str
    text: str
    command: str = ""
    status: int = 200


Work = Callable[[sqlite3.Connection, date], Any]
"""Reads what a page shows, as of a day: the page's values or a Notice."""

_OLDER = Notice(
    "An older database",
    "It was written by an older dmarcwatch. The next fetch brings it up to date; nothing is lost.",
    "dmarcwatch fetch",
)
_NEWER = Notice("A newer database", "A newer dmarcwatch wrote it. Upgrade this one to see its pages.")
_SLOW = Notice(
    "This takes too long", "The database did not answer in time. Show fewer days, or try again.", status=503
)
_BUSY = Notice(
    "The database cannot be read now", "Another program holds it. Try again in a moment.", status=503
)
_NONE = Notice(
    "No database of dmarcwatch", "None of the databases served here was written by it.", status=404
)


async def ours(datasette: Any) -> tuple[str, ...]:
    """Names of the served databases that dmarcwatch wrote."""
    found = []
    for name, database in datasette.databases.items():
        if not database.is_memory and await database.execute_fn(is_ours):
            found.append(name)
    return tuple(found)


async def read(datasette: Any, request: Request, work: Work) -> tuple[Any, Links]:
    """What `work` returns on the database that the request names, the first of ours else.

    Raises Forbidden for an actor who may not see that database.
    """
    names = await ours(datasette)
    wanted = request.args.get("db")
    name = wanted if wanted in names else next(iter(names), "")
    links = Links(datasette, name, several=len(names) > 1)
    if not name:
        return _NONE, links
    if not await _may_see(datasette, request.actor, name):
        raise Forbidden("view-database")
    today = as_of(datasette)
    return await datasette.get_database(name).execute_fn(
        lambda connection: _attempt(connection, work, today)
    ), links


def as_of(datasette: Any) -> date:
    """Today in UTC, or the day the settings put in its place."""
    fixed = settings(datasette).get("as_of")
    return date.fromisoformat(str(fixed)) if fixed else datetime.now(UTC).date()


def _attempt(connection: sqlite3.Connection, work: Work, today: date) -> Any:
    """The work in one transaction, so that a run that writes meanwhile does not tear the page."""
    age = layout_of(connection)
    if age is Layout.NEWER:
        return _NEWER
    try:
        with sqlite_timelimit(connection, TIME_LIMIT_MS):
            connection.execute("BEGIN")
            try:
                return work(connection, today)
            finally:
                connection.rollback()
    except sqlite3.OperationalError as error:
        return _what_happened(error, age)


def _what_happened(error: sqlite3.OperationalError, age: Layout) -> Notice:
    text = str(error)
    if text.startswith("no such") or age is Layout.OLDER:
        return _OLDER
    return _SLOW if text == "interrupted" else _BUSY


async def _may_see(datasette: Any, actor: Any, name: str) -> bool:
    if hasattr(datasette, "permission_allowed"):  # 0.65
        return bool(await datasette.permission_allowed(actor, "view-database", name, default=True))
    from datasette.resources import DatabaseResource  # 1.0 alone has it

    return bool(await datasette.allowed(action="view-database", resource=DatabaseResource(name), actor=actor))
