"""The rows of one batch: reports, records and what is distinct of both, by shard, as columns of numbers.

Most records of a batch say what another one said, so evidence and judgements are numbered and a record is
six whole numbers; Arrow puts the words back, where that costs next to nothing.
"""

from array import array
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import pyarrow as pa

from dmarcwatch.classify import Classification
from dmarcwatch.duplicates import is_held
from dmarcwatch.parse import Reading
from dmarcwatch.report import Evidence, Record
from dmarcwatch.scale import schemas
from dmarcwatch.store.identity import iso
from dmarcwatch.streams import covered
from dmarcwatch.trust import reporter_key


class Found(NamedTuple):
    """A document's place and trust: what its report's row has beside what the document says."""

    id: int
    item: int
    sha256: str
    name: str
    origin: str
    received_at: datetime | None
    tier: str
    several: bool
    """The item holds more documents than this one."""


class Mark(NamedTuple):
    """How many rows there were before a document was begun."""

    records: int


class ShardRows:
    """What one batch found for one shard."""

    def __init__(self) -> None:
        self._reports: list[tuple[Any, ...]] = []
        self._report, self._n = array("q"), array("q")
        self._messages = array("q")
        self._address, self._evidence, self._judgement = array("q"), array("q"), array("q")
        self._addresses: dict[str | None, tuple[int, int]] = {}
        # By identity, with the object kept alive, as the store does: equal ones are mostly one object.
        self._evidences: dict[int, tuple[Evidence, int, int]] = {}
        self._judgements: dict[int, tuple[Classification, int]] = {}

    def mark(self) -> Mark:
        """Where to go back to with `back_to`."""
        return Mark(len(self._report))

    def back_to(self, mark: Mark) -> None:
        """Take back the records after `mark`."""
        for column in self._columns():
            del column[mark.records :]

    def add_record(self, report: int, record: Record, judged: Classification) -> int:
        """Add one record; its share of the report's fingerprint."""
        evidence = self._evidences.get(id(record.evidence)) or self._add_evidence(record.evidence)
        address = self._addresses.get(record.source_ip) or self._add_address(record.source_ip)
        judgement = self._judgements.get(id(judged)) or self._add_judgement(judged)
        self._report.append(report)
        self._messages.append(record.messages)
        self._address.append(address[0])
        self._evidence.append(evidence[1])
        self._judgement.append(judgement[1])
        # Tuples of whole numbers hash alike in every process; a sum does not know their order.
        return hash((address[1], record.messages, evidence[2]))

    def add_numbers(self, count: int) -> None:
        """Number the last `count` records, from 1, in the order of their report."""
        self._n.extend(range(1, count + 1))

    def add_report(self, found: Found, reading: Reading, fingerprint: int) -> None:
        """Add the row of a report whose records are all there."""
        report, policy = reading.report, reading.report.policy
        day, span_days = covered(report.begin, report.end)
        received = found.received_at or report.end
        problems = [problem_row(each) for each in reading.problems]
        self._reports.append(
            (found.id, found.item, report.org_name, report.org_email, report.report_id, iso(report.begin),
             iso(report.end), policy.domain, policy.p, policy.sp, policy.np, policy.pct, policy.testing,
             policy.adkim, policy.aspf, policy.fo, policy.discovery_method, report.generator,
             report.extra_contact_info, report.errors, report.dialect, reading.grade, found.tier,
             found.origin, iso(received), reading.records, reading.messages, reading.unread_messages,
             reporter_key(report), day, span_days, received.date(), found.name, found.sha256,
             fingerprint & 0x7FFF_FFFF_FFFF_FFFF, problems, is_held(report), found.several)
        )  # fmt: skip

    def tables(self) -> dict[str, pa.Table]:
        """All rows as tables."""
        evidence = (schemas.evidence_row(each, digest) for each, _, digest in self._evidences.values())
        judgements = (schemas.judgement_row(each) for each, _ in self._judgements.values())
        return {
            "reports": schemas.table(self._reports, schemas.FOUND_REPORTS),
            "records": pa.table([pa.array(column) for column in self._columns()], schemas.NUMBERS),
            "addresses": pa.table([pa.array(list(self._addresses), pa.string())], ["source_ip"]),
            "evidence": schemas.table(evidence, schemas.EVIDENCE),
            "judgements": schemas.table(judgements, schemas.JUDGEMENTS),
        }

    def _columns(self) -> Iterable["array[int]"]:
        return (self._report, self._n, self._messages, self._address, self._evidence, self._judgement)

    def _add_evidence(self, evidence: Evidence) -> tuple[Evidence, int, int]:
        # Plain text of each value: what is read has been cleaned of control characters, this one too.
        words = "\x1f".join(map(str, schemas.evidence_row(evidence, 0)))
        made = (evidence, len(self._evidences), _number(words))
        self._evidences[id(evidence)] = made
        return made

    def _add_address(self, ip: str | None) -> tuple[int, int]:
        made = self._addresses[ip] = (len(self._addresses), 0 if ip is None else _number(ip))
        return made

    def _add_judgement(self, judged: Classification) -> tuple[Classification, int]:
        made = self._judgements[id(judged)] = (judged, len(self._judgements))
        return made


def problem_row(problem: Any) -> dict[str, Any]:
    """A problem as Arrow's struct."""
    return {"path": problem.path, "found": problem.found, "messages": problem.messages}


def _number(text: str) -> int:
    """The same whole number for the same text on every machine."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) & 0x7FFF_FFFF_FFFF_FFFF
