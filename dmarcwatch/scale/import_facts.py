"""Heads of reports, what could not be read of them, items and rejects, as rows of the database."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.arrival import Arrival
from dmarcwatch.duplicates import COUNTED
from dmarcwatch.prepared import Refused
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.earlier import as_they_stand
from dmarcwatch.scale.ids import increment_of
from dmarcwatch.scale.import_sums import columns
from dmarcwatch.scale.retrying import replaced
from dmarcwatch.senders import Senders
from dmarcwatch.store.aside import keep_aside
from dmarcwatch.store.interned import Interned
from dmarcwatch.store.pending import Pending
from dmarcwatch.store.writer import Filed, Writer
from dmarcwatch.unpack import SetAside, SetAsideKind

_SAME = (
    "org_name", "org_email", "report_id", "begin", "end", "policy_domain", "p", "sp", "np", "pct", "testing",
    "adkim", "aspf", "fo", "discovery_method", "generator", "extra_contact_info", "dialect", "grade", "tier",
    "origin", "received_at", "records", "messages", "unread_messages", "day", "span_days", "received_day",
    "name", "sha256", "fingerprint",
)  # fmt: skip
"""Columns of `reports` that are called and mean the same in both."""
_REPORT = f"""
INSERT INTO reports (id, item, status, reporter, errors, {", ".join(_SAME)})
VALUES (?, ?, ?, ?, ?, {", ".join("?" * len(_SAME))})"""
_STATUS = {COUNTED: "pruned"}
"""A report that counts, and whose records are not in the database."""


class Facts:
    """Writes reports and items into an open transaction, numbered in the order they came."""

    def __init__(
        self, connection: sqlite3.Connection, dataset: Dataset, runs: Mapping[int, int], senders: Senders
    ) -> None:
        self._connection = connection
        self._dataset = dataset
        self._runs = runs
        self._writer = Writer(connection, senders)
        self._interned = Interned(connection, senders, Pending())
        self._sources: dict[str, int] = {}
        self._reports: list[pa.Table] = []

    def note_reports(self, shard: int, domains: pa.Array) -> None:
        """Take the reports of a shard on these domains, to be written with all others."""
        table = self._dataset.table("reports", self._dataset.committed, (shard,))
        self._reports.append(as_they_stand(table.filter(pc.is_in(table["policy_domain"], value_set=domains))))

    def write(self, *, all_items: bool) -> None:
        """Write the reports and their items; with `all_items` those that brought none, too."""
        stored = {item for table in self._reports for item in table["item"].to_pylist()}
        items = self._write_items(stored, all_items=all_items)
        self._writer.flush()
        ids = pa.chunked_array([table["id"] for table in self._reports] or [[]], pa.int64()).combine_chunks()
        order = ids.take(pc.array_sort_indices(ids))
        for table in self._reports:
            self._write_reports(table, [at + 1 for at in pc.index_in(table["id"], order).to_pylist()], items)

    def _write_reports(self, table: pa.Table, ids: list[int], items: Mapping[int, int]) -> None:
        statuses = [_STATUS.get(status, status) for status in table["status"].to_pylist()]
        reporters = [self._interned.reporter(name) for name in table["reporter"].to_pylist()]
        errors = [
            json.dumps(found, ensure_ascii=False) if found else None for found in table["errors"].to_pylist()
        ]
        own = (ids, [items[item] for item in table["item"].to_pylist()], statuses, reporters, errors)
        self._connection.executemany(_REPORT, zip(*own, *columns(table, _SAME), strict=True))
        self._connection.executemany(
            "INSERT INTO problems (report, path, found, messages) VALUES (?, ?, ?, ?)",
            (
                (identity, each["path"], each["found"], each["messages"])
                for identity, problems in zip(ids, table["problems"].to_pylist(), strict=True)
                for each in problems
            ),
        )

    def _write_items(self, stored: set[int], *, all_items: bool) -> dict[int, int]:
        """Write the items that brought a report, have bytes that must be kept, or all; their new ids."""
        made: dict[int, int] = {}
        last = replaced(self._dataset)
        for increment in self._dataset.committed:
            for name, size in self._dataset.manifest(increment)["items"].items():
                for row in self._dataset.shelf.read_table(name, size=size).to_pylist():
                    if last.get((row["source"], row["token"]), 0) > increment:
                        if row["id"] not in stored:
                            continue
                        row |= {"rejects": [], "set_aside": [], "data": None}
                    if all_items or row["id"] in stored or row["data"] is not None:
                        made[row["id"]] = len(made) + 1
                        self._write_item(made[row["id"]], row, stored=row["id"] in stored)
        return made

    def _write_item(self, item: int, row: Mapping[str, Any], *, stored: bool) -> None:
        arrival = _arrival(row)
        source, run = self._source(row["source"]), self._runs[increment_of(row["id"])]
        self._writer.add_item(item, arrival, Filed(source, run, _outcome(row, stored=stored), settled=True))
        for each in row["rejects"]:
            self._writer.add_reject(item, arrival, Refused(**each))
        for each in row["set_aside"]:
            data = each.pop("data")
            self._writer.add_set_aside(item, **each)
            if data is not None:
                part = SetAside(SetAsideKind(each["kind"]), each["name"], data)
                keep_aside(self._connection, item, part, received_at=arrival.received_at, redact=True)
        if row["data"] is not None:
            self._writer.keep_raw(item, row["data"])

    def _source(self, name: str) -> int:
        if name not in self._sources:
            row = self._connection.execute(
                "INSERT INTO _sources (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name "
                "RETURNING id",
                (name,),
            ).fetchone()
            self._sources[name] = row[0]
        return self._sources[name]


def _arrival(row: Mapping[str, Any]) -> Arrival:
    received = row["received_at"]
    return Arrival(
        origin=row["origin"],
        token=row["token"],
        sha256=row["sha256"],
        size=row["size"],
        received_at=datetime.fromisoformat(received) if received else None,
        local=row["local"],
        from_domain=row["from_domain"],
        authserv_id=row["authserv_id"],
        verified=row["verified"],
    )


def _outcome(row: Mapping[str, Any], *, stored: bool) -> str:
    """What became of an item (`filing.outcome`)."""
    if stored:
        return "stored"
    if row["documents"]:
        return "duplicate"
    return "set-aside" if row["set_aside"] else "reject"
