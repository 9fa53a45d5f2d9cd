"""Policy domains whose figures changed since they were judged.

They are noted in the transaction of the facts, because a run may end between storing and judging; then
nothing new would lead the next run to them.
"""

import sqlite3
from collections.abc import Iterable


def note_changed(connection: sqlite3.Connection, domains: Iterable[str]) -> None:
    """Note that these domains must be judged, within an open transaction."""
    connection.executemany("INSERT OR IGNORE INTO _unjudged VALUES (?)", [(domain,) for domain in domains])


def note_judged(connection: sqlite3.Connection, domain: str) -> None:
    """Note that a domain was judged, in the transaction that keeps what was judged."""
    connection.execute("DELETE FROM _unjudged WHERE policy_domain = ?", (domain,))


def unjudged(connection: sqlite3.Connection) -> list[str]:
    """The domains that wait for being judged, sorted."""
    return [domain for (domain,) in connection.execute("SELECT policy_domain FROM _unjudged ORDER BY 1")]
