"""The roll-ups, kept in the transaction of the facts they sum up.

One statement sums a run of reports, added or (sign -1) taken away, so that an insert, a lifted tier and
a replaced report all go through the same arithmetic and a recount gives the same table. Of small reports
each record is added to its cell by itself: few share one, and grouping them first costs more than it
saves. Those of large reports are first summed up by what they say, which leaves a tenth of them or less.
"""

import sqlite3

from dmarcwatch.store.tables import MEASURES
from dmarcwatch.streams import Place, PlaceKind, stream_id

LARGE_RECORDS = 100
"""Records of a report, on the average of a transaction, from which summing them up first is cheaper."""

_KEY = "day, span_days, received_day, reporter, tier, grade, state, forwarded"
CELL_COLUMNS = f"{_KEY}, {', '.join(MEASURES)}"
"""The columns of a cell of `_stream_days` and of `_pool_days`, behind the stream or place."""
PARTS = """
    c.messages * :sign,
    c.messages * (j.dmarc IN ('pass', 'pass_unverified')) * :sign,
    c.messages * ifnull(j.dkim_aligned, 0) * :sign,
    c.messages * ifnull(j.spf_aligned, 0) * :sign,
    c.messages * (ifnull(j.dkim_aligned, 0) AND ifnull(j.spf_aligned, 0)) * :sign,
    c.messages * (j.dmarc = 'pass_unverified') * :sign,
    c.messages * (j.dmarc = 'indeterminate') * :sign,
    c.messages * (j.dmarc = 'unknown') * :sign,
    c.messages * j.listed * :sign,
    c.messages * j.spared * :sign,
    c.messages * (e.disposition IS 'quarantine') * :sign,
    c.messages * (e.disposition IS 'reject') * :sign"""
"""What a record `c` of judgement `j` and evidence `e` adds to its cell's measures."""
CELL = "r.day, r.span_days, r.received_day, r.reporter, r.tier, r.grade, j.state, j.forwarded"
"""The cell of a record, its report being `r`."""
_FROM = """
    FROM reports r
    CROSS JOIN _records c ON c.report = r.id
    CROSS JOIN _judgements j ON j.id = c.judgement
    JOIN _places p ON p.id = j.place
    JOIN _evidence e ON e.id = c.evidence
    WHERE r.status = 'counted' AND c.messages > 0"""
ADD = ", ".join(f"{name} = {name} + excluded.{name}" for name in MEASURES)

# CROSS JOIN fixes the order, from the reports of a batch outwards: after ANALYZE the planner would begin
# with small tables and read all of them for each batch.
_STREAM_DAYS = f"""
INSERT INTO _stream_days (stream, {CELL_COLUMNS})
SELECT p.stream, {CELL}, {PARTS} {_FROM} AND r.id BETWEEN :first AND :last
ON CONFLICT DO UPDATE SET {ADD}"""
_POOL = f"""
INSERT INTO _pool_days (place, {CELL_COLUMNS})
SELECT j.place, {CELL}, {PARTS} {_FROM} AND p.pooled AND r.id BETWEEN :first AND :last
ON CONFLICT DO UPDATE SET {ADD}"""
# Only of reports that count: who signs with which selector decides whose mail a stream is (JUDGEMENT 3, 5).
_SELECTOR_DAYS = """
INSERT INTO _selector_days (place, domain, selector, day, passed, failed)
SELECT j.place, s.domain, s.selector, r.day,
    c.messages * s.passed * :sign, c.messages * (NOT s.passed) * :sign
FROM reports r
CROSS JOIN _records c ON c.report = r.id
CROSS JOIN _judgements j ON j.id = c.judgement
CROSS JOIN _judgement_selectors s ON s.judgement = j.id
WHERE r.status = 'counted' AND r.tier IN ('local', 'verified') AND r.id BETWEEN :first AND :last
    AND c.messages > 0
ON CONFLICT DO UPDATE SET passed = passed + excluded.passed, failed = failed + excluded.failed"""
_PLACE_ADDRESSES = """
INSERT INTO _place_addresses (place, address, messages)
SELECT j.place, c.address, c.messages * :sign
FROM reports r
CROSS JOIN _records c ON c.report = r.id
CROSS JOIN _judgements j ON j.id = c.judgement
WHERE r.status = 'counted' AND r.id BETWEEN :first AND :last AND c.address IS NOT NULL
    AND c.messages > 0
ON CONFLICT DO UPDATE SET messages = messages + excluded.messages"""
_DOMAIN_DAYS = """
INSERT INTO _domain_days
SELECT r.policy_domain, r.day, r.span_days, r.received_day, r.reporter, r.tier, r.grade, y.id,
    :sign, r.messages * :sign, r.unread_messages * :sign
FROM reports r
CROSS JOIN _policies y ON y.p IS r.p AND y.sp IS r.sp AND y.np IS r.np AND y.pct IS r.pct
    AND y.t IS r.testing AND y.adkim IS r.adkim AND y.aspf IS r.aspf
WHERE r.status = 'counted' AND r.id BETWEEN :first AND :last
ON CONFLICT DO UPDATE SET reports = reports + excluded.reports, messages = messages + excluded.messages,
    unread_messages = unread_messages + excluded.unread_messages"""
_BY_WHAT_THEY_SAY = (_STREAM_DAYS, _POOL, _SELECTOR_DAYS)
_BY_ADDRESS_OR_REPORT = (_PLACE_ADDRESSES, _DOMAIN_DAYS)
_ALIKE = """
INSERT INTO temp._alike (report, judgement, evidence, messages)
SELECT report, judgement, evidence, sum(messages) FROM _records
WHERE report BETWEEN :first AND :last AND messages > 0 GROUP BY report, judgement, evidence"""
"""Records of one report that differ in their address alone, summed up."""
_OF_ALIKE = tuple(statement.replace(" _records c ", " temp._alike c ") for statement in _BY_WHAT_THEY_SAY)
_EMPTIED = (
    "DELETE FROM _stream_days WHERE messages = 0",
    "DELETE FROM _pool_days WHERE messages = 0",
    "DELETE FROM _selector_days WHERE passed = 0 AND failed = 0",
    "DELETE FROM _place_addresses WHERE messages = 0",
    "DELETE FROM _domain_days WHERE reports = 0",
)


def roll_up(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Add the counted reports with ids `first`..`last` to the roll-ups."""
    _apply(connection, {"first": first, "last": last, "sign": 1})


def take_away(connection: sqlite3.Connection, first: int, last: int | None = None) -> None:
    """Take one counted report, or all up to `last`, out of the roll-ups, before tier or status change."""
    _apply(connection, {"first": first, "last": first if last is None else last, "sign": -1})


def sweep(connection: sqlite3.Connection) -> None:
    """Delete the cells that `take_away` left at zero; reads the whole tables, so once for a batch."""
    for statement in _EMPTIED:
        connection.execute(statement)


def _apply(connection: sqlite3.Connection, values: dict[str, int]) -> None:
    statements = _OF_ALIKE if _sum_alike(connection, values) else _BY_WHAT_THEY_SAY
    for statement in (*statements, *_BY_ADDRESS_OR_REPORT):
        connection.execute(statement, values)


def _sum_alike(connection: sqlite3.Connection, values: dict[str, int]) -> bool:
    """Sum up the records of large reports in a table of this connection; False where they are small."""
    records = connection.execute(
        "SELECT avg(records) FROM reports WHERE id BETWEEN :first AND :last", values
    ).fetchone()[0]
    if records is None or records < LARGE_RECORDS:
        return False
    connection.execute(
        "CREATE TABLE IF NOT EXISTS temp._alike (report INTEGER, judgement INTEGER, evidence INTEGER, "
        "messages INTEGER, PRIMARY KEY (report, judgement, evidence)) WITHOUT ROWID"
    )
    connection.execute("DELETE FROM temp._alike")
    connection.execute(_ALIKE, values)
    return True


def add_stream(connection: sqlite3.Connection, place: Place, *, name: str, sender_type: str) -> int:
    """The key of the stream of `place`, made if it is new."""
    identity = stream_id(place)
    connection.execute(
        "INSERT INTO streams (id, policy_domain, header_from, sender, place_kind, place, name, sender_type, "
        "region) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (identity, *place[:3], place.kind, place.name, name, sender_type,
         place.name if place.kind is PlaceKind.REGION else None),
    )  # fmt: skip
    key: int = connection.execute("SELECT key FROM streams WHERE id = ?", (identity,)).fetchone()[0]
    return key
