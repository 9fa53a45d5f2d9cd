"""Values that repeat, stored once and named by an id, with the ids of the current run in memory.

Ids stay valid while their transaction does: after a rollback the cache is emptied (`forget`).
"""

import json
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

from dmarcwatch.classify import Classification
from dmarcwatch.report import Dkim, Evidence, PolicyPublished, Reason, Spf
from dmarcwatch.senders import Senders
from dmarcwatch.store.rollup import add_stream
from dmarcwatch.streams import Place, PlaceKind

Key = TypeVar("Key")
Value = TypeVar("Value")

MAX_CACHED = 50_000
"""Ids kept in memory for each kind of value: some tens of megabytes at the most."""


class Interned:
    """Ids of addresses, evidence, judgements, places, reporters and policies."""

    def __init__(self, connection: sqlite3.Connection, senders: Senders) -> None:
        self._connection = connection
        self._senders = senders
        self.forget()

    def forget(self) -> None:
        """Empty the caches, after a rollback took back rows they point to."""
        self._addresses: dict[str, int] = {}
        # By identity, with the object kept alive: the parser makes equal evidence one object and the
        # classifier equal classifications, and hashing their nested tuples costs more than the insert.
        self._evidence: dict[int, tuple[Evidence, int]] = {}
        self._judgements: dict[int, tuple[Classification, int]] = {}
        self._places: dict[Place, int] = {}
        self._streams: dict[Place, int] = {}
        self._reporters: dict[str, int] = {}
        self._policies: dict[tuple[object, ...], int] = {}

    def address(self, ip: str | None) -> int | None:
        """The id of an address, None for none."""
        if ip is None:
            return None
        found = self._addresses.get(ip)
        if found is None:
            found = _keep(self._addresses, ip, self._add_address(ip))
        return found

    def evidence(self, evidence: Evidence) -> int:
        """The id of what a record says beside its address and count."""
        found = self._evidence.get(id(evidence))
        if found is None:
            found = _keep(self._evidence, id(evidence), (evidence, self._add_evidence(evidence)))
        return found[1]

    def judgement(self, classification: Classification) -> int:
        """The id of a classification."""
        found = self._judgements.get(id(classification))
        if found is None:
            identity = self._add_judgement(classification)
            found = _keep(self._judgements, id(classification), (classification, identity))
        return found[1]

    def reporter(self, name: str) -> int:
        """The id of a reporting organisation."""
        found = self._reporters.get(name)
        if found is None:
            found = _keep(self._reporters, name, self._add_reporter(name))
        return found

    def policy(self, policy: PolicyPublished) -> int:
        """The id of what is published, the domain apart."""
        key = (policy.p, policy.sp, policy.np, policy.pct, policy.testing, policy.adkim, policy.aspf)
        found = self._policies.get(key)
        if found is None:
            found = _keep(self._policies, key, self._add_policy(key))
        return found

    def place(self, place: Place) -> int:
        """The id of a place; a new one gets its stream, or the pool's."""
        found = self._places.get(place)
        if found is None:
            found = _keep(self._places, place, self._add_place(place))
        return found

    def _unique(self, insert: str, select: str, values: tuple[object, ...], key: tuple[object, ...]) -> int:
        """The id of the row with this key, inserted where there is none."""
        # Asked first: most values are there after a few runs, and RETURNING costs five look-ups.
        row = self._connection.execute(select, key).fetchone()
        if row is not None:
            found: int = row[0]
            return found
        made = self._connection.execute(insert, values).lastrowid
        assert made is not None
        return made

    def _add_address(self, ip: str) -> int:
        return self._unique(
            "INSERT INTO _addresses (ip) VALUES (?)", "SELECT id FROM _addresses WHERE ip = ?", (ip,), (ip,)
        )

    def _add_reporter(self, name: str) -> int:
        return self._unique(
            "INSERT INTO _reporters (name) VALUES (?)",
            "SELECT id FROM _reporters WHERE name = ?",
            (name,),
            (name,),
        )

    def _add_policy(self, key: tuple[object, ...]) -> int:
        row = self._connection.execute(
            "SELECT id FROM _policies WHERE p IS ? AND sp IS ? AND np IS ? AND pct IS ? AND t IS ? "
            "AND adkim IS ? AND aspf IS ?",
            key,
        ).fetchone()
        if row is None:
            row = self._connection.execute(
                "INSERT INTO _policies (p, sp, np, pct, t, adkim, aspf) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "RETURNING id",
                key,
            ).fetchone()
        identity: int = row[0]
        return identity

    def _add_evidence(self, evidence: Evidence) -> int:
        values = (
            evidence.header_from,
            evidence.envelope_from,
            evidence.envelope_to,
            evidence.disposition,
            evidence.dkim_evaluated,
            evidence.spf_evaluated,
            _objects(evidence.reasons),
            _objects(evidence.dkim),
            _objects(evidence.spf),
        )
        digest = _digest(values)
        return self._unique(
            "INSERT INTO _evidence (digest, header_from, envelope_from, envelope_to, disposition, "
            "dkim_evaluated, spf_evaluated, reasons, dkim, spf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "SELECT id FROM _evidence WHERE digest = ?",
            (digest, *values),
            (digest,),
        )

    def _add_judgement(self, found: Classification) -> int:
        values = (
            self.place(found.place), found.via, found.region, found.state, found.forwarded,
            _json(found.flags), found.dkim_aligned, found.spf_aligned, found.outcome, found.listed,
            found.spared, found.authenticated, found.because,
        )  # fmt: skip
        digest = _digest((*values, *found.own_signatures))
        identity = self._unique(
            "INSERT INTO _judgements (digest, place, via, region, state, forwarded, flags, dkim_aligned, "
            "spf_aligned, dmarc, listed, spared, authenticated, because) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "SELECT id FROM _judgements WHERE digest = ?",
            (digest, *values),
            (digest,),
        )
        if found.own_signatures:
            self._connection.executemany(
                "INSERT INTO _judgement_selectors (judgement, selector, domain, passed) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                [(identity, *signature) for signature in found.own_signatures],
            )
        return identity

    def _add_place(self, place: Place) -> int:
        pooled = place.kind in (PlaceKind.NETWORK, PlaceKind.DOMAIN)
        home = Place(place.policy_domain, place.header_from, place.sender, PlaceKind.SCATTERED, "")
        sender = self._senders.get(place.sender)
        name = sender.name if sender else "Unknown sources"
        mine = home if pooled else place
        stream = self._streams.get(mine)
        if stream is None:
            called = "Unknown, scattered" if pooled else f"{name} {place.name}".strip()
            kind = sender.type if sender else "unknown"
            made = add_stream(self._connection, mine, name=called, sender_type=kind)
            stream = _keep(self._streams, mine, made)
        return self._unique(
            "INSERT INTO _places (policy_domain, header_from, sender, kind, name, stream, pooled) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            "SELECT id FROM _places WHERE policy_domain = ? AND header_from = ? AND sender = ? AND kind = ? "
            "AND name = ?",
            (*place, stream, pooled),
            tuple(place),
        )


# Made once: `json.dumps` with options makes an encoder for every call.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _objects(values: Sequence[Reason] | Sequence[Dkim] | Sequence[Spf]) -> str:
    return _json([value._asdict() for value in values]) if values else "[]"


def _digest(values: tuple[object, ...]) -> bytes:
    # Plain text of each value: what is stored has been cleaned of control characters, this one too.
    text = "\x1f".join(map(str, values))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _keep(cache: dict[Key, Value], key: Key, value: Value) -> Value:
    if len(cache) >= MAX_CACHED:
        cache.clear()
    cache[key] = value
    return value
