"""Rows that wait to be written: one statement for many costs a third of one for each."""

import sqlite3
from typing import Any

_REPORT_COLUMNS = (
    "id, org_name, org_email, report_id, begin, end, policy_domain, p, sp, np, pct, testing, adkim, aspf, "
    "fo, discovery_method, generator, extra_contact_info, errors, dialect, grade, tier, origin, received_at, "
    "records, messages, unread_messages, status, reporter, day, span_days, received_day, item, name, sha256, "
    "fingerprint"
)


def _insert(table: str, columns: str) -> str:
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(',')))})"


ITEMS = _insert(
    "items",
    "id, source, run, origin, token, sha256, size, received_at, local, from_domain, authserv_id, verified, "
    "outcome, settled",
)
RAW = _insert("_raw", "item, encoding, bytes")
ADDRESSES = _insert("_addresses", "id, ip")
EVIDENCE = _insert(
    "_evidence",
    "id, digest, header_from, envelope_from, envelope_to, disposition, dkim_evaluated, spf_evaluated, "
    "reasons, dkim, spf",
)
PLACES = _insert("_places", "id, policy_domain, header_from, sender, kind, name, stream, pooled")
JUDGEMENTS = _insert(
    "_judgements",
    "id, digest, place, via, region, state, forwarded, flags, dkim_aligned, spf_aligned, dmarc, listed, "
    "spared, authenticated, because",
)
SELECTORS = f"{_insert('_judgement_selectors', 'judgement, selector, domain, passed')} ON CONFLICT DO NOTHING"
RECORDS = _insert("_records", "report, n, address, messages, evidence, judgement")
REPORTS = _insert("reports", _REPORT_COLUMNS)
PROBLEMS = _insert("problems", "report, path, found, messages")


class Pending:
    """Rows by the statement that inserts them; nothing is written before `write`."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def to(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, to append to; the list stays the same one."""
        return self._rows.setdefault(statement, [])

    def write(self, connection: sqlite3.Connection) -> None:
        """Write all of them into the open transaction."""
        for statement, rows in self._rows.items():
            if rows:
                connection.executemany(statement, rows)
                rows.clear()

    def clear(self) -> None:
        """Drop what waits, when its transaction was rolled back."""
        for rows in self._rows.values():
            rows.clear()
