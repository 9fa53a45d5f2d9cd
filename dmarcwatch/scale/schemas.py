"""The columns of every table: names as in the database (docs/database.md), types as Arrow has them."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from dmarcwatch.prepared import EvidenceRow, JudgementRow
from dmarcwatch.store.tables import MEASURES

_TEXT, _NUMBER, _SMALL, _FLAG, _DAY = pa.string(), pa.int64(), pa.int32(), pa.bool_(), pa.date32()
_PROBLEM = pa.struct([("path", _TEXT), ("found", _TEXT), ("messages", _NUMBER)])
_SIGNATURE = pa.struct([("selector", _TEXT), ("domain", _TEXT), ("passed", _FLAG)])
_REJECT = pa.struct([("name", _TEXT), ("reason", _TEXT), ("message", _TEXT)])
_ASIDE = pa.struct(
    [("kind", _TEXT), ("name", _TEXT), ("size", _NUMBER), ("problem", _TEXT), ("data", pa.binary())]
)

_REPORT = pa.schema(
    [("id", _NUMBER), ("item", _NUMBER), ("org_name", _TEXT), ("org_email", _TEXT), ("report_id", _TEXT),
     ("begin", _TEXT), ("end", _TEXT), ("policy_domain", _TEXT), ("p", _TEXT), ("sp", _TEXT), ("np", _TEXT),
     ("pct", _SMALL), ("testing", _FLAG), ("adkim", _TEXT), ("aspf", _TEXT), ("fo", _TEXT),
     ("discovery_method", _TEXT), ("generator", _TEXT), ("extra_contact_info", _TEXT),
     ("errors", pa.list_(_TEXT)), ("dialect", _TEXT), ("grade", _TEXT), ("tier", _TEXT), ("origin", _TEXT),
     ("received_at", _TEXT), ("records", _NUMBER), ("messages", _NUMBER), ("unread_messages", _NUMBER),
     ("reporter", _TEXT), ("day", _DAY), ("span_days", _SMALL), ("received_day", _DAY), ("name", _TEXT),
     ("sha256", _TEXT), ("fingerprint", _NUMBER), ("problems", pa.list_(_PROBLEM))]
)  # fmt: skip
FOUND_REPORTS = pa.schema([*_REPORT, ("several", _FLAG)])
"""Reports as they were found, before anybody knows which of them count; `several` where the item held more
documents than this one."""
REPORTS = pa.schema([*_REPORT, ("status", _TEXT), ("increment", _SMALL)])
"""Reports; where one has several rows, that of the last increment says how it stands."""

NUMBERS = pa.schema(
    [(name, _NUMBER) for name in ("report", "n", "messages", "address", "evidence", "judgement")]
)
EVIDENCE = pa.schema(
    [("header_from", _TEXT), ("envelope_from", _TEXT), ("envelope_to", _TEXT), ("disposition", _TEXT),
     ("dkim_evaluated", _TEXT), ("spf_evaluated", _TEXT), ("reasons", _TEXT), ("dkim", _TEXT), ("spf", _TEXT),
     ("evidence", _NUMBER)]
)  # fmt: skip
PLACE = ("policy_domain", "place_from", "sender", "place_kind", "place")
"""What names a `streams.Place`; `place_from` is its From domain, which a record may leave out."""
JUDGEMENTS = pa.schema(
    [*((name, _TEXT) for name in PLACE), ("via", _TEXT), ("region", _TEXT), ("state", _TEXT),
     ("forwarded", _FLAG), ("flags", _TEXT), ("dkim_aligned", _FLAG), ("spf_aligned", _FLAG),
     ("dmarc", _TEXT), ("listed", _FLAG), ("spared", _FLAG), ("authenticated", _FLAG), ("because", _TEXT),
     ("own_signatures", pa.list_(_SIGNATURE))]
)  # fmt: skip
RECORDS = pa.schema(
    [("report", _NUMBER), ("n", _NUMBER), ("messages", _NUMBER), ("source_ip", _TEXT), *EVIDENCE, *JUDGEMENTS]
)
"""Records as they are written, one folder for each day of their report."""

OF_REPORT = ("day", "span_days", "received_day", "reporter", "tier", "grade")
CELL = (*OF_REPORT, "state", "forwarded")
"""The key of a cell of `stream_days`, its stream apart (JUDGEMENT 4)."""
POLICY = ("p", "sp", "np", "pct", "testing", "adkim", "aspf")
_TYPES = {
    "day": _DAY,
    "span_days": _SMALL,
    "received_day": _DAY,
    "forwarded": _FLAG,
    "pct": _SMALL,
    "testing": _FLAG,
}


def _typed(names: Iterable[str]) -> list[tuple[str, pa.DataType]]:
    return [(name, _TYPES.get(name, _TEXT)) for name in names]


POOL_DAYS = pa.schema([*_typed((*PLACE, *CELL)), *((name, _NUMBER) for name in MEASURES)])
STREAM_DAYS = pa.schema([("stream", _TEXT), *POOL_DAYS])
SELECTOR_DAYS = pa.schema(
    [*_typed(PLACE), ("domain", _TEXT), ("selector", _TEXT), ("day", _DAY), ("passed", _NUMBER),
     ("failed", _NUMBER)]
)  # fmt: skip
PLACE_ADDRESSES = pa.schema([*_typed(PLACE), ("source_ip", _TEXT), ("messages", _NUMBER)])
DOMAIN_DAYS = pa.schema(
    [("policy_domain", _TEXT), *_typed((*OF_REPORT, *POLICY)), ("reports", _NUMBER), ("messages", _NUMBER),
     ("unread_messages", _NUMBER)]
)  # fmt: skip
PROMOTED = pa.schema(_typed(PLACE))
"""Places that persisted and became streams of their own (JUDGEMENT 2)."""

ITEMS = pa.schema(
    [("id", _NUMBER), ("source", _TEXT), ("origin", _TEXT), ("token", _TEXT), ("sha256", _TEXT),
     ("size", _NUMBER), ("received_at", _TEXT), ("local", _FLAG), ("from_domain", _TEXT),
     ("authserv_id", _TEXT), ("verified", _TEXT), ("documents", _SMALL), ("rejects", pa.list_(_REJECT)),
     ("set_aside", pa.list_(_ASIDE)), ("data", pa.binary())]
)  # fmt: skip
"""Items; `data` holds the bytes of those that something could not be read of. What was set aside has bytes
of its own where it is a TLS report: failure reports name people and stay where they came from."""
OBJECTS = pa.schema(
    [("id", _NUMBER), ("digest", pa.binary(16)), ("fate", _TEXT), ("origin", _TEXT), ("message", _TEXT)]
)
"""What became of each object of the list: `read`, or the reason of the notice in its place."""
PLAN = pa.schema(
    [("batch", _SMALL), ("number", _SMALL), ("source", _SMALL), ("bucket", _TEXT),
     ("place", pa.binary()), ("version", _TEXT), ("size", _NUMBER), ("storage_class", _TEXT),
     ("digest", pa.binary(16))]
)  # fmt: skip
"""The list of an increment, batch after batch."""


def table(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table; each row has the schema's columns in their order."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema)


def evidence_row(row: EvidenceRow) -> tuple[Any, ...]:
    """A row of `EVIDENCE`."""
    return (*row[1:], number_of(row.digest))


def judgement_row(row: JudgementRow) -> tuple[Any, ...]:
    """A row of `JUDGEMENTS`."""
    signatures = [
        {"selector": selector, "domain": domain, "passed": passed}
        for selector, domain, passed in dict.fromkeys(row.own_signatures)
    ]
    return (*row.place, *row.values, signatures)


def number_of(digest: bytes) -> int:
    """A digest as a whole number that Arrow and SQLite can hold."""
    return int.from_bytes(digest[:8]) >> 1
