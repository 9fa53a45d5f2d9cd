"""Values that repeat, stored once and named by an id, with the ids of the current run in memory.

New values get their id here and wait among the pending rows. Ids stay valid while their transaction
does: after a rollback everything is forgotten (`forget`).
"""

import sqlite3
from typing import Any, TypeVar

from dmarcwatch.prepared import EvidenceRow, JudgementRow
from dmarcwatch.report import PolicyPublished, Report
from dmarcwatch.senders import Senders
from dmarcwatch.store.pending import ADDRESSES, EVIDENCE, JUDGEMENTS, PLACES, SELECTORS, Pending
from dmarcwatch.store.rollup import add_stream
from dmarcwatch.streams import Place, PlaceKind
from dmarcwatch.trust import reporter_key

Key = TypeVar("Key")

MAX_CACHED = 50_000
"""Ids kept in memory for each kind of value: some megabytes."""


class Interned:
    """Ids of addresses, evidence, judgements, places, reporters and policies."""

    def __init__(self, connection: sqlite3.Connection, senders: Senders, pending: Pending) -> None:
        self._connection = connection
        self._senders = senders
        self._pending = pending
        self.forget()

    def forget(self) -> None:
        """Empty the caches, after a rollback took back rows they point to."""
        self.addresses: dict[str | None, int] = {}
        """Ids by address; `address` finds what is missing here."""
        self._evidence: dict[bytes, int] = {}
        self._judgements: dict[bytes, int] = {}
        self._places: dict[Place, int] = {}
        self._streams: dict[Place, int] = {}
        self._reporters: dict[str, int] = {}
        self._named: dict[tuple[str | None, str | None], int] = {}
        """Ids of reporters by the address and the name that their reports give."""
        self._policies: dict[tuple[object, ...], int] = {}
        self._next: dict[str, int] = {}
        self._left: dict[str, int] = {}
        """The id after the last of each table that is in memory as a whole: what is missing here is new."""

    def written(self) -> None:
        """Nothing is pending any more: too large caches may be emptied."""
        caches: dict[str, dict[Any, int]] = {
            "_evidence": self._evidence,
            "_judgements": self._judgements,
            "_places": self._places,
        }
        for table, cache in caches.items():
            if len(cache) > MAX_CACHED:
                cache.clear()
                self._left.pop(table, None)
        if len(self.addresses) > MAX_CACHED:
            self.addresses = {}
            self._left.pop("_addresses", None)

    def committed(self) -> None:
        """The transaction is about to end: afterwards another program may take the next ids."""
        self._left = {table: self._next.get(table, left) for table, left in self._left.items()}
        self._next.clear()

    def address(self, ip: str) -> int:
        """The id of an address."""
        found = self._stored("_addresses", "SELECT id FROM _addresses WHERE ip = ?", (ip,))
        if found is None:
            found = self._new_id("_addresses")
            self._pending.to(ADDRESSES).append((found, ip))
        self.addresses[ip] = found
        return found

    def evidence(self, row: EvidenceRow) -> int:
        """The id of what a record says beside its address and count."""
        found = self._evidence.get(row.digest)
        if found is None:
            found = self._stored("_evidence", "SELECT id FROM _evidence WHERE digest = ?", (row.digest,))
            if found is None:
                found = self._new_id("_evidence")
                self._pending.to(EVIDENCE).append((found, *row))
            self._evidence[row.digest] = found
        return found

    def judgement(self, row: JudgementRow) -> int:
        """The id of a classification."""
        found = self._judgements.get(row.digest)
        if found is None:
            found = self._stored("_judgements", "SELECT id FROM _judgements WHERE digest = ?", (row.digest,))
            if found is None:
                found = self._new_id("_judgements")
                self._pending.to(JUDGEMENTS).append((found, row.digest, self.place(row.place), *row.values))
                self._pending.to(SELECTORS).extend([(found, *use) for use in row.own_signatures])
            self._judgements[row.digest] = found
        return found

    def reporter(self, name: str) -> int:
        """The id of a reporting organisation."""
        found = self._reporters.get(name)
        if found is None:
            found = self._unique(
                "INSERT INTO _reporters (name) VALUES (?)",
                "SELECT id FROM _reporters WHERE name = ?",
                (name,),
            )
            _keep(self._reporters, name, found)
        return found

    def reporter_of(self, report: Report) -> int:
        """The id of the organisation that a report counts as its reporter's."""
        named = report.org_email, report.org_name
        found = self._named.get(named)
        if found is None:
            found = self.reporter(reporter_key(report))
            _keep(self._named, named, found)
        return found

    def policy(self, policy: PolicyPublished) -> int:
        """The id of what is published, the domain apart."""
        key = (policy.p, policy.sp, policy.np, policy.pct, policy.testing, policy.adkim, policy.aspf)
        found = self._policies.get(key)
        if found is None:
            found = self._unique(
                "INSERT INTO _policies (p, sp, np, pct, t, adkim, aspf) VALUES (?, ?, ?, ?, ?, ?, ?)",
                "SELECT id FROM _policies WHERE p IS ? AND sp IS ? AND np IS ? AND pct IS ? AND t IS ? "
                "AND adkim IS ? AND aspf IS ?",
                key,
            )
            _keep(self._policies, key, found)
        return found

    def place(self, place: Place) -> int:
        """The id of a place; a new one gets its stream, or the pool's."""
        found = self._places.get(place)
        if found is None:
            found = self._stored(
                "_places",
                "SELECT id FROM _places WHERE policy_domain = ? AND header_from = ? AND sender = ? "
                "AND kind = ? AND name = ?",
                place,
            )
            if found is None:
                found = self._new_id("_places")
                pooled = place.kind in (PlaceKind.NETWORK, PlaceKind.DOMAIN)
                self._pending.to(PLACES).append((found, *place, self._stream(place, pooled=pooled), pooled))
            self._places[place] = found
        return found

    def _stream(self, place: Place, *, pooled: bool) -> int:
        if pooled:
            place = Place(place.policy_domain, place.header_from, place.sender, PlaceKind.SCATTERED, "")
        stream = self._streams.get(place)
        if stream is None:
            sender = self._senders.get(place.sender)
            name = sender.name if sender else "Unknown sources"
            called = "Unknown, scattered" if pooled else f"{name} {place.name}".strip()
            stream = add_stream(
                self._connection, place, name=called, sender_type=sender.type if sender else "unknown"
            )
            _keep(self._streams, place, stream)
        return stream

    def _stored(self, table: str, select: str, key: tuple[object, ...]) -> int | None:
        """The id of a row that is not in memory, None where there is none."""
        self._following(table)
        return None if table in self._left else self._asked(select, key)

    def _asked(self, select: str, key: tuple[object, ...]) -> int | None:
        row = self._connection.execute(select, key).fetchone()
        return None if row is None else row[0]

    def _unique(self, insert: str, select: str, key: tuple[object, ...]) -> int:
        """The id of the row with this key, inserted at once where there is none."""
        found = self._asked(select, key)
        if found is None:
            found = self._connection.execute(insert, key).lastrowid
            assert found is not None
        return found

    def _new_id(self, table: str) -> int:
        found = self._following(table)
        self._next[table] = found + 1
        return found

    def _following(self, table: str) -> int:
        """The id that follows the table's last one; asked once in each transaction."""
        found = self._next.get(table)
        if found is None:
            found = self._asked(f"SELECT ifnull(max(id), 0) + 1 FROM {table}", ()) or 1
            self._next[table] = found
            if found == 1:
                self._left[table] = found
            elif found != self._left.get(table):
                self._left.pop(table, None)
        return found


def _keep(cache: dict[Key, int], key: Key, value: int) -> None:
    if len(cache) >= MAX_CACHED:
        cache.clear()
    cache[key] = value
