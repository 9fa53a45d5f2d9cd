"""Judgements, and on request the facts, made anew from what is kept (DESIGN 1)."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from sqlite_utils import Database

from dmarcwatch.filing import Accounts, Filing
from dmarcwatch.preparing import Preparer, Rules
from dmarcwatch.report import Evidence, Record
from dmarcwatch.store import pool, raw, retention, rollup
from dmarcwatch.store.arrivals import arrival_of
from dmarcwatch.store.database import transaction
from dmarcwatch.store.encoding import judgement_row
from dmarcwatch.store.heads import stored_evidence, stored_report
from dmarcwatch.store.imported import refuse_sums_alone
from dmarcwatch.store.interned import Interned
from dmarcwatch.store.pending import Pending
from dmarcwatch.store.writer import Ids, Writer

_FLUSH_ITEMS = 500
"""Items whose rows wait at most."""


def rebuild_judgements(database: Database, rules: Rules) -> int:
    """Classify every stored record anew and sum it up again; how many records.

    One transaction: readers see the old judgements until the new ones are whole.
    """
    connection: sqlite3.Connection = database.conn
    with transaction(connection):
        retention.forget_judgements(connection)
        return _judge_records(connection, rules)


def rebuild_facts(database: Database, rules: Rules) -> Accounts:
    """Read every kept item anew, in the order they came; labels and past verdicts stay as they are.

    Reports whose bytes are gone keep their facts, pruned ones their place in the roll-ups.
    """
    connection: sqlite3.Connection = database.conn
    with transaction(connection):
        retention.forget_facts(connection)
        _judge_records(connection, rules)
        refiling = Refiling(connection, rules)
        for number, (item, data) in enumerate(raw.all_items(connection), start=1):
            refiling.refile(item, data)
            if number % _FLUSH_ITEMS == 0:
                refiling.writer.flush()
        refiling.writer.flush()
        pool.settle_pool(connection)
    return refiling.accounts


def retry_rejects(database: Database, rules: Rules) -> tuple[Accounts, frozenset[str]]:
    """Read the items behind rejects again, as after an upgrade; the accounts and the domains touched.

    Raises StoreError where sums were imported without their reports.
    """
    connection: sqlite3.Connection = database.conn
    refuse_sums_alone(connection)
    with transaction(connection):
        refiling = Refiling(connection, rules)
        items = [item for (item,) in connection.execute("SELECT DISTINCT item FROM rejects ORDER BY item")]
        for item in items:
            connection.execute("DELETE FROM rejects WHERE item = ?", (item,))
            connection.execute("DELETE FROM set_aside WHERE item = ?", (item,))
            refiling.refile(item, raw.item_bytes(connection, item))
        refiling.writer.flush()
        pool.settle_pool(connection)
    return refiling.accounts, frozenset(refiling.writer.touched)


class Refiling:
    """Files items that have their row already, with what was known of their arrival then."""

    def __init__(self, connection: sqlite3.Connection, rules: Rules) -> None:
        self.writer = Writer(connection, rules.senders)
        self._connection = connection
        self._ids = Ids()
        # What a mail says of its date was bounded when it came.
        now = datetime.max.replace(tzinfo=UTC)
        self._preparer = Preparer(rules, now, partial(self.writer.define, self._ids))
        self._filing = Filing(connection, self.writer, rules)

    @property
    def accounts(self) -> Accounts:
        """What was filed so far."""
        return self._filing.accounts

    def refile(self, item: int, data: bytes) -> None:
        """Read one item's bytes anew."""
        prepared = self._preparer.again(data, arrival_of(self._connection, item))
        fate = self._filing.file(item, prepared, self._ids)
        # A pruned report is known already and still what its item brought.
        self._connection.execute(
            "UPDATE items SET outcome = CASE WHEN EXISTS (SELECT 1 FROM reports WHERE item = :item) "
            "THEN 'stored' ELSE :outcome END WHERE id = :item",
            {"item": item, "outcome": fate.outcome},
        )


def _judge_records(connection: sqlite3.Connection, rules: Rules) -> int:
    """Classify every stored record and sum it up, into roll-ups that hold none of them; how many."""
    pending = Pending()
    interned = Interned(connection, rules.senders, pending)
    count = 0
    for report, domain_records in _records(connection):
        head = stored_report(connection, report)
        interned.policy(head.policy)
        rows = [
            (interned.judgement(judgement_row(rules.classify(record, head))), report, number)
            for number, record in domain_records
        ]
        connection.executemany("UPDATE _records SET judgement = ? WHERE report = ? AND n = ?", rows)
        count += len(rows)
    pending.write(connection)
    _sum_up(connection)
    return count


def _sum_up(connection: sqlite3.Connection) -> None:
    first, last = connection.execute("SELECT min(id), max(id) FROM reports").fetchone()
    if first is not None:
        rollup.roll_up(connection, first, last)
        pool.settle_pool(connection)


def _records(connection: sqlite3.Connection) -> Iterator[tuple[int, Iterator[tuple[int, Record]]]]:
    """Each report's id with its numbered records, one report in memory at a time."""
    known: dict[int, Evidence] = {}
    reports = [report for (report,) in connection.execute("SELECT id FROM reports ORDER BY id")]
    for report in reports:
        rows = connection.execute(
            "SELECT r.n, a.ip, r.messages, r.evidence FROM _records r "
            "LEFT JOIN _addresses a ON a.id = r.address WHERE r.report = ? ORDER BY r.n",
            (report,),
        ).fetchall()

        def numbered(rows: list[tuple[int, str | None, int, int]] = rows) -> Iterator[tuple[int, Record]]:
            for number, ip, messages, evidence in rows:
                if evidence not in known:
                    known[evidence] = stored_evidence(connection, evidence)
                yield number, Record(ip, messages, known[evidence])

        yield report, numbered()
