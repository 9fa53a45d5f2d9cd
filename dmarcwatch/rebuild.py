"""Judgements, and on request the facts, made anew from what is kept (DESIGN 1)."""

import sqlite3
from collections.abc import Iterator

from sqlite_utils import Database

from dmarcwatch.filing import Accounts, Filing, Rules, outcome
from dmarcwatch.report import Evidence, Record
from dmarcwatch.store import raw, retention, rollup
from dmarcwatch.store.arrivals import arrival_of
from dmarcwatch.store.database import transaction
from dmarcwatch.store.heads import stored_evidence, stored_report
from dmarcwatch.store.interned import Interned
from dmarcwatch.store.writer import Writer


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
    accounts = Accounts()
    with transaction(connection):
        retention.forget_facts(connection)
        _judge_records(connection, rules)
        writer = Writer(connection, rules.senders)
        filing = Filing(connection, writer, rules)
        for item, data in raw.all_items(connection):
            accounts += Accounts(items=1) + refile(connection, filing, item, data)
        writer.flush()
        rollup.settle_pool(connection)
    return accounts


def retry_rejects(database: Database, rules: Rules) -> tuple[Accounts, frozenset[str]]:
    """Read the items behind rejects again, as after an upgrade; the accounts and the domains touched."""
    connection: sqlite3.Connection = database.conn
    accounts = Accounts()
    with transaction(connection):
        writer = Writer(connection, rules.senders)
        filing = Filing(connection, writer, rules)
        items = [item for (item,) in connection.execute("SELECT DISTINCT item FROM rejects ORDER BY item")]
        for item in items:
            connection.execute("DELETE FROM rejects WHERE item = ?", (item,))
            connection.execute("DELETE FROM set_aside WHERE item = ?", (item,))
            data = raw.item_bytes(connection, item)
            accounts += Accounts(items=1) + refile(connection, filing, item, data)
        writer.flush()
        rollup.settle_pool(connection)
    return accounts, frozenset(writer.touched)


def refile(connection: sqlite3.Connection, filing: Filing, item: int, data: bytes) -> Accounts:
    """File an item that has its row already, with what was known of its arrival then."""
    arrival = arrival_of(connection, item)
    unpacked = filing.open(data, arrival.size, headers_only=len(data) < arrival.size)
    accounts = filing.file(item, arrival, unpacked)
    # A pruned report is known already and still what its item brought.
    connection.execute(
        "UPDATE items SET outcome = CASE WHEN EXISTS (SELECT 1 FROM reports WHERE item = :item) "
        "THEN 'stored' ELSE :outcome END WHERE id = :item",
        {"item": item, "outcome": outcome(accounts)},
    )
    return accounts


def _judge_records(connection: sqlite3.Connection, rules: Rules) -> int:
    """Classify every stored record and sum it up, into roll-ups that hold none of them; how many."""
    interned = Interned(connection, rules.senders)
    count = 0
    for report, domain_records in _records(connection):
        head = stored_report(connection, report)
        interned.policy(head.policy)
        rows = [
            (interned.judgement(rules.classify(record, head)), report, number)
            for number, record in domain_records
        ]
        connection.executemany("UPDATE _records SET judgement = ? WHERE report = ? AND n = ?", rows)
        count += len(rows)
    _sum_up(connection)
    return count


def _sum_up(connection: sqlite3.Connection) -> None:
    first, last = connection.execute("SELECT min(id), max(id) FROM reports").fetchone()
    if first is not None:
        rollup.roll_up(connection, first, last)
        rollup.settle_pool(connection)


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
