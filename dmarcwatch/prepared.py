"""Items as they are after reading and before storing: values that may cross to another process.

Most records say what an earlier one said, so evidence and classifications are defined once and then
named by numbers, which count up from 0 for each process that reads.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from dmarcwatch.arrival import Arrival
from dmarcwatch.report import Grade, Problem, Report, Tier
from dmarcwatch.streams import Place
from dmarcwatch.unpack import SetAside

Row = tuple[str | None, int, int, int]
"""A record: source address, messages, and the numbers of its evidence and of its classification."""

_CHUNK_ROWS = 4096


class Rows:
    """The records of one report in their order; packed where they are many, less than 30 bytes each."""

    __slots__ = ("_chunks", "_open")

    def __init__(self) -> None:
        self._chunks: list[tuple[str, array[int], array[int], array[int]]] = []
        self._open: list[Row] = []

    def drain(self) -> Iterator[Row]:
        """All of them in their order, once: what was given is forgotten, as the writer's memory grows."""
        self._chunks.reverse()
        while self._chunks:
            ips, *numbers = self._chunks.pop()
            yield from zip((ip or None for ip in ips.split("\n")), *numbers, strict=True)
        rows, self._open = self._open, []
        yield from rows

    def extend(self, rows: list[Row]) -> None:
        """Add records at the end."""
        self._open += rows
        if len(self._open) >= _CHUNK_ROWS:
            ips, messages, evidence, judgements = zip(*self._open, strict=True)
            text = "\n".join([ip or "" for ip in ips])
            # `read_count` bounds a record's messages far below four bytes.
            self._chunks.append((text, array("I", messages), array("I", evidence), array("I", judgements)))
            self._open = []


class ReadReport(NamedTuple):
    """A document that was read to its end."""

    name: str
    """Its name in the item, cleaned."""
    sha256: str
    """Of its inflated bytes: its content's identity."""
    tier: Tier
    report: Report
    grade: Grade
    problems: tuple[Problem, ...]
    records: int
    messages: int
    unread_messages: int
    rows: Rows


class Refused(NamedTuple):
    """An item, or the part `name` of it, that gave no report."""

    name: str
    reason: str
    """A word of `reasons.Reason`, or of `ReportError`."""
    message: str


class Aside(NamedTuple):
    """A report on a domain that is not the user's."""

    kind: str
    name: str
    size: int
    """Bytes, inflated."""


Part = ReadReport | Refused | Aside | SetAside


class Prepared(NamedTuple):
    """One item, read."""

    arrival: Arrival
    parts: tuple[Part, ...]


class EvidenceRow(NamedTuple):
    """A row of `_evidence` without its id."""

    digest: bytes
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    disposition: str | None
    dkim_evaluated: str | None
    spf_evaluated: str | None
    reasons: str
    dkim: str
    spf: str


class JudgementRow(NamedTuple):
    """A row of `_judgements` without its id, its place by name, and its signatures."""

    digest: bytes
    place: Place
    values: tuple[object, ...]
    """The columns after `digest`, in their order."""
    own_signatures: tuple[tuple[str, str, bool], ...]


class Definitions(NamedTuple):
    """Evidence and classifications met for the first time, in the order of their numbers."""

    evidence: list[EvidenceRow]
    judgements: list[JudgementRow]
