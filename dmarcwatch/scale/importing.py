"""A data set's sums and heads of reports into SQLite, where verdict, sources and pages read them unchanged.

Records stay where they are. What is imported stands there as if its records had been pruned: `fetch` knows
the reports, `rebuild` keeps their figures. Importing again replaces what was imported before.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.errors import StoreError
from dmarcwatch.scale.accounts import summary_of
from dmarcwatch.scale.dataset import Dataset, place_of
from dmarcwatch.scale.import_facts import Facts
from dmarcwatch.scale.import_sums import SumsInto
from dmarcwatch.scale.shelf import Written
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import fit_cache, transaction
from dmarcwatch.store.imported import Brought, imported, note_imported
from dmarcwatch.store.pool import settle_pool
from dmarcwatch.store.tables import FACT_TABLES, JUDGEMENT_TABLES
from dmarcwatch.text import count

_TLS_TABLES = ("tls_reports", "tls_policies", "tls_failures")
_MARK = "import "
"""Begins the name of a source that is a data set."""
# What `fetch` found to be a duplicate is in the data set: forgetting that it came again loses nothing.
_STRANGERS = """
SELECT count(*) FROM items i LEFT JOIN runs r ON r.id = i.run
WHERE ifnull(r.source, '') NOT LIKE ? || '%'
    AND (i.outcome <> 'duplicate' OR i.id IN (SELECT item FROM rejects UNION SELECT item FROM set_aside))"""
_RUN = """
INSERT INTO runs (source, started_at, ended_at, items, reports, duplicates, set_aside, rejects, records,
    messages, problems, dropped, unread_messages)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a data set is imported."""

    is_wanted: Callable[[str], bool] = lambda domain: True
    """Whether a policy domain is."""
    reports: bool = True
    """The heads of reports and their items as well: a row each."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What there is now."""

    increments: int
    domains: tuple[str, ...]
    reports: int
    stream_days: int
    rejects: int


def import_dataset(
    connection: sqlite3.Connection, dataset: Dataset, senders: Senders, wanted: Wanted
) -> Imported:
    """Replace what was imported before by what is committed now; readers see the old until it is whole.

    Raises StoreError for a database with reports of another origin, and CollectError for a damaged data set.
    """
    with transaction(connection):
        source = _source(connection, dataset)
        gained = {row[0] for row in connection.execute("SELECT sha256 FROM reports WHERE status = 'counted'")}
        for table in (*FACT_TABLES, *JUDGEMENT_TABLES, *_TLS_TABLES, "_raw", "items"):
            connection.execute(f"DELETE FROM {table}")
        runs = _note_runs(connection, source, dataset)
        sums = SumsInto(connection, dataset, senders)
        facts = Facts(connection, dataset, runs, senders)
        domains: set[str] = set()
        read = Counter[str]()
        for shard in range(dataset.shards):
            fit_cache(connection)
            reports = sums.reports(shard)
            read.update({"reports": reports.num_rows, "messages": pc.sum(reports["messages"]).as_py() or 0})
            only = _only(reports["policy_domain"].unique(), wanted)
            domains.update(only.to_pylist())
            sums.add(shard, only)
            if wanted.reports:
                facts.note_reports(shard, only)
        _compare(dataset, read)
        facts.write(all_items=wanted.reports and wanted == Wanted())
        if wanted.reports:
            _check_gained(connection, gained)
        note_imported(connection, Brought(source, dataset.id, wanted.reports))
        began = [dataset.manifest(increment)["now"][:10] for increment in dataset.committed]
        settle_pool(connection, date.fromisoformat(max(began)) if began else None)
        counted = [_count(connection, table) for table in ("reports", "_stream_days", "rejects")]
    return Imported(len(dataset.committed), tuple(sorted(domains)), *counted)


def _source(connection: sqlite3.Connection, dataset: Dataset) -> str:
    """The name of the data set among the sources of runs. Raises StoreError where it would replace others."""
    before = imported(connection)
    strangers = connection.execute(_STRANGERS, (_MARK,)).fetchone()[0]
    if strangers:
        items = count(strangers, "item")
        raise StoreError(
            f"This database holds {items} that `fetch` stored; an import would replace them.",
            hint="Import into another database (--db) from now on, or read those sources with `scale` into "
            "the data set, and import that into a new one.",
        )
    if before is None:
        return f"{_MARK}{dataset.place}"
    if not _is_same(before, dataset):
        raise StoreError(
            f"This database holds another data set ({before.source.removeprefix(_MARK)}); an import of "
            f"{dataset.place} would replace it.",
            hint="Name another database with --db: one for each data set.",
        )
    return before.source


def _is_same(before: Brought, dataset: Dataset) -> bool:
    """Whether a data set is the one that was imported before: by its id, else by where it lies."""
    if before.dataset is not None:
        return before.dataset == dataset.id
    place = before.source.removeprefix(_MARK)
    return place == dataset.uri or place_of(place) == dataset.place


def _check_gained(connection: sqlite3.Connection, gained: set[str]) -> None:
    """Whether reports that the database had read by itself are among the imported ones."""
    lost = gained - {row[0] for row in connection.execute("SELECT sha256 FROM reports")}
    if lost:
        raise StoreError(
            f"This database holds {count(len(lost), 'report')} that `rejects --retry` gained and the data "
            "set has not; an import would take them away.",
            hint="Run `dmarcwatch scale DIR SOURCE --retry` first, then import again.",
        )


def _compare(dataset: Dataset, read: Mapping[str, int]) -> None:
    """Whether the reports are those that the manifests speak of. Raises Written where they are not."""
    noted = [summary_of(dataset.manifest(increment)["summary"]).accounts for increment in dataset.committed]
    reports, messages = (sum(getattr(each, name) for each in noted) for name in ("reports", "messages"))
    if (read["reports"], read["messages"]) != (reports, messages):
        raise Written(
            f"{dataset.uri} holds {read['reports']:,} reports with {read['messages']:,} messages, and its "
            f"manifests say {reports:,} with {messages:,}.",
            hint="Restore it from a copy; nothing was imported.",
        )


def _note_runs(connection: sqlite3.Connection, source: str, dataset: Dataset) -> Mapping[int, int]:
    """The run that stands for each increment, one more for each that is new."""
    row = connection.execute("SELECT position FROM _sources WHERE name = ?", (source,)).fetchone()
    known: dict[str, int] = json.loads(row[0]) if row and row[0] else {}
    for increment in dataset.committed:
        if str(increment) not in known:
            known[str(increment)] = _note_run(connection, source, dataset.manifest(increment))
    connection.execute(
        "INSERT INTO _sources (name, position) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        (source, json.dumps(known)),
    )
    return {int(increment): run for increment, run in known.items()}


def _note_run(connection: sqlite3.Connection, source: str, manifest: Mapping[str, Any]) -> int:
    found = summary_of(manifest["summary"]).accounts
    at = manifest["now"][:19] + "Z"
    row = connection.execute(
        _RUN,
        (source, at, at, found.items, found.reports, found.duplicates, found.set_aside, found.rejects,
         found.records, found.messages, found.problems, found.dropped, found.unread_messages),
    ).fetchone()  # fmt: skip
    run: int = row[0]
    return run


def _only(domains: pa.Array, wanted: Wanted) -> pa.Array:
    mask = [wanted.is_wanted(domain) for domain in domains.to_pylist()]
    return pc.filter(domains, pa.array(mask, pa.bool_()))


def _count(connection: sqlite3.Connection, table: str) -> int:
    count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return count
