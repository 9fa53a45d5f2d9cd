"""The sums of a data set as rows of the database's roll-ups."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.report import AlignmentMode, Policy, PolicyPublished
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.earlier import as_they_stand
from dmarcwatch.scale.schemas import CELL, PLACE, POLICY
from dmarcwatch.scale.sums import add_up
from dmarcwatch.senders import Senders
from dmarcwatch.store.interned import Interned
from dmarcwatch.store.pending import Pending
from dmarcwatch.store.rollup import add_stream
from dmarcwatch.store.tables import MEASURES
from dmarcwatch.streams import Place, PlaceKind

_DAYS = f"{', '.join(CELL)}, {', '.join(MEASURES)}"
_MARKS = ", ".join("?" * (len(CELL) + len(MEASURES)))
_COUNTS = ("reports", "messages", "unread_messages")
_Key = tuple[str, ...]


class SumsInto:
    """Writes the sums of one shard after the other into an open transaction."""

    def __init__(self, connection: sqlite3.Connection, dataset: Dataset, senders: Senders) -> None:
        self._connection = connection
        self._dataset = dataset
        self._pending = Pending()
        self._interned = Interned(connection, senders, self._pending)

    def reports(self, shard: int) -> pa.Table:
        """The reports of a shard, held ones as well, each once."""
        return as_they_stand(self._table("reports", shard).select(["id", "policy_domain", "messages"]))

    def add(self, shard: int, domains: pa.Array) -> None:
        """Write what a shard has on these domains, all increments added up."""
        read = {
            name: self._of(name, shard, domains)
            for name in ("stream_days", "pool_days", "selector_days", "place_addresses", "promoted")
        }
        places = self._places(read)
        self._add_stream_days(add_up(read["stream_days"], MEASURES))
        self._add_pool_days(add_up(read["pool_days"], MEASURES), places)
        selectors = add_up(read["selector_days"], ("passed", "failed"))
        self._connection.executemany(
            "INSERT INTO _selector_days (domain, selector, day, passed, failed, place) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            _with_place(selectors, ("domain", "selector", "day", "passed", "failed"), places),
        )
        addresses = add_up(read["place_addresses"], ("messages",))
        self._connection.executemany(
            "INSERT INTO _place_addresses (address, messages, place) VALUES (?, ?, ?)",
            (
                (self._interned.addresses.get(ip) or self._interned.address(ip), messages, place)
                for ip, messages, place in _with_place(addresses, ("source_ip", "messages"), places)
            ),
        )
        self._pending.write(self._connection)
        self._interned.written()
        self._add_domain_days(add_up(self._of("domain_days", shard, domains), _COUNTS))

    def _table(self, name: str, shard: int) -> pa.Table:
        return self._dataset.table(name, self._dataset.committed, (shard,))

    def _of(self, name: str, shard: int, domains: pa.Array) -> pa.Table:
        table = self._table(name, shard)
        return table.filter(pc.is_in(table["policy_domain"], value_set=domains))

    def _places(self, tables: dict[str, pa.Table]) -> dict[_Key, int]:
        """The ids of all places that the tables speak of; each has its stream then."""
        keys = {key for table in tables.values() for key in _keys(table)}
        places = {
            key: self._interned.place(_place(key))
            for key in sorted(keys)
            if _place(key).kind is not PlaceKind.SCATTERED
        }
        self._pending.write(self._connection)
        for key in _keys(tables["promoted"]):
            place = _place(key)
            stream = add_stream(self._connection, place, name=f"Unknown, {place.name}", sender_type="unknown")
            self._connection.execute(
                "UPDATE _places SET stream = ?, pooled = 0 WHERE id = ?", (stream, places[key])
            )
        return places

    def _add_stream_days(self, days: pa.Table) -> None:
        keys = dict(self._connection.execute("SELECT id, key FROM streams"))
        rows = _rows(days, ("stream", *CELL, *MEASURES))
        self._connection.executemany(
            f"INSERT INTO _stream_days (stream, {_DAYS}) VALUES (?, {_MARKS})",
            ((keys[stream], *self._cell(cell)) for stream, *cell in rows),
        )

    def _add_pool_days(self, days: pa.Table, places: dict[_Key, int]) -> None:
        self._connection.executemany(
            f"INSERT INTO _pool_days ({_DAYS}, place) VALUES ({_MARKS}, ?)",
            ((*self._cell(cell), place) for *cell, place in _with_place(days, (*CELL, *MEASURES), places)),
        )

    def _add_domain_days(self, days: pa.Table) -> None:
        names = ("policy_domain", "day", "span_days", "received_day", "reporter", "tier", "grade", *_COUNTS)
        policies = (self._interned.policy(_policy(*row)) for row in _rows(days, ("policy_domain", *POLICY)))
        self._connection.executemany(
            f"INSERT INTO _domain_days ({', '.join(names)}, policy) VALUES ({', '.join('?' * 11)})",
            (
                (*row[:4], self._interned.reporter(row[4]), *row[5:], policy)
                for row, policy in zip(_rows(days, names), policies, strict=True)
            ),
        )

    def _cell(self, cell: Iterable[Any]) -> tuple[Any, ...]:
        day, span_days, received_day, reporter, *rest = cell
        return (day, span_days, received_day, self._interned.reporter(reporter), *rest)


def _with_place(table: pa.Table, names: Iterable[str], places: dict[_Key, int]) -> Iterator[tuple[Any, ...]]:
    """The rows with the id of their place behind them."""
    for row, key in zip(_rows(table, names), _all_keys(table), strict=True):
        yield (*row, places[key])


def columns(table: pa.Table, names: Iterable[str]) -> list[list[Any]]:
    """The values of some columns as SQLite takes them: days as text."""
    found = [table[name] for name in names]
    as_text = [pc.cast(each, pa.string()) if pa.types.is_date(each.type) else each for each in found]
    return [each.to_pylist() for each in as_text]


def _rows(table: pa.Table, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*columns(table, names), strict=True)


def _all_keys(table: pa.Table) -> Iterator[_Key]:
    return zip(*(table[name].to_pylist() for name in PLACE), strict=True)


def _keys(table: pa.Table) -> Iterator[_Key]:
    return _all_keys(table.group_by(list(PLACE), use_threads=False).aggregate([]))


def _place(key: _Key) -> Place:
    policy_domain, header_from, sender, kind, name = key
    return Place(policy_domain, header_from, sender, PlaceKind(kind), name)


def _policy(domain: str, *found: Any) -> PolicyPublished:
    p, sp, np, pct, testing, adkim, aspf = found
    return PolicyPublished(
        domain,
        p=Policy(p) if p else None,
        sp=Policy(sp) if sp else None,
        np=Policy(np) if np else None,
        pct=pct,
        testing=testing,
        adkim=AlignmentMode(adkim) if adkim else None,
        aspf=AlignmentMode(aspf) if aspf else None,
    )
