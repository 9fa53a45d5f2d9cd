"""What the database remembers of each source, so that nothing at the origin has to change."""

import sqlite3
from collections.abc import Sequence

_BATCH = 500


class SourceMemory:
    """The `Memory` of one source (collect/__init__.py)."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        row = connection.execute(
            "INSERT INTO _sources (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name "
            "RETURNING id",
            (name,),
        ).fetchone()
        self.id: int = row[0]
        """The source's id in `items.source`."""
        self._pending: str | None = None
        self._stays = False

    def position(self) -> str | None:
        """The collector's bookmark, None on a first run."""
        row = self._connection.execute("SELECT position FROM _sources WHERE id = ?", (self.id,)).fetchone()
        position: str | None = row[0]
        return position

    def seen(self, tokens: Sequence[str]) -> frozenset[str]:
        """Those of `tokens` that are stored already."""
        found: set[str] = set()
        for start in range(0, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            rows = self._connection.execute(
                f"SELECT token FROM items WHERE source = ? AND token IN ({marks})", (self.id, *part)
            )
            found.update(token for (token,) in rows)
        return frozenset(found)

    def mail_hosts(self) -> tuple[str, ...]:
        """Names that this source's mail host stamped on earlier mails (RFC 8601 authserv-id)."""
        rows = self._connection.execute(
            "SELECT DISTINCT authserv_id FROM items WHERE source = ? AND verified IS NOT NULL "
            "AND authserv_id IS NOT NULL",
            (self.id,),
        )
        return tuple(name for (name,) in rows)

    def unsettled(self) -> list[tuple[int, str, str]]:
        """Id, origin and token of items that are stored and not yet settled: a run ended in between."""
        rows = self._connection.execute(
            "SELECT id, origin, token FROM items WHERE source = ? AND NOT settled ORDER BY id", (self.id,)
        )
        return rows.fetchall()

    def note_settled(self, items: Sequence[int]) -> None:
        """Remember that these items were settled at their origin."""
        self._connection.executemany("UPDATE items SET settled = 1 WHERE id = ?", [(item,) for item in items])

    def advance(self, position: str) -> None:
        """Take `position` along with the items that were yielded before it (`take`)."""
        self._pending = None if self._stays else position

    def stay(self) -> None:
        """Keep the bookmark where it is for the rest of this run, because something was passed over."""
        self._pending, self._stays = None, True

    def take(self) -> str | None:
        """The bookmark that covers what was yielded so far; None where it did not move."""
        position, self._pending = self._pending, None
        return position

    def write(self, position: str | None) -> None:
        """Write a bookmark, if it moved, into the transaction that completes what it covers."""
        if position is not None:
            self._connection.execute("UPDATE _sources SET position = ? WHERE id = ?", (position, self.id))
