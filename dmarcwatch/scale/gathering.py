"""The rows of one batch: reports, records and what is distinct of both, by shard, as columns of numbers.

Most records of a batch say what another one said, so a record is six whole numbers; Arrow puts the words
back where all parts meet, which costs next to nothing there.
"""

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import pyarrow as pa

from dmarcwatch.arrival import Arrival
from dmarcwatch.prepared import Definitions, ReadReport
from dmarcwatch.scale import schemas
from dmarcwatch.store.identity import iso
from dmarcwatch.streams import covered
from dmarcwatch.trust import reporter_key

_POSITIVE = 0x7FFF_FFFF_FFFF_FFFF


class Found(NamedTuple):
    """Where a report was found."""

    id: int
    item: int
    arrival: Arrival
    several: bool
    """The item holds more documents than this one."""


class ShardRows:
    """What one batch found for one shard; `defined` are all its evidence and judgements by number."""

    def __init__(self, defined: Definitions) -> None:
        self._defined = defined
        self._reports: list[tuple[Any, ...]] = []
        self._report, self._n, self._messages = array("q"), array("q"), array("q")
        self._address, self._evidence, self._judgement = array("q"), array("q"), array("q")
        self._addresses: dict[str | None, tuple[int, int]] = {}
        self._evidences: dict[int, tuple[int, int]] = {}
        self._judgements: dict[int, int] = {}

    def add_report(self, found: Found, read: ReadReport) -> None:
        """Add a report with its records."""
        fingerprint = 0
        for ip, messages, evidence_number, judgement_number in read.rows.drain():
            evidence = self._evidences.get(evidence_number) or self._add_evidence(evidence_number)
            address = self._addresses.get(ip) or self._add_address(ip)
            judgement = self._judgements.setdefault(judgement_number, len(self._judgements))
            self._messages.append(messages)
            self._address.append(address[0])
            self._evidence.append(evidence[0])
            self._judgement.append(judgement)
            # Tuples of whole numbers hash alike in every process; a sum does not know their order.
            fingerprint += hash((address[1], messages, evidence[1]))
        self._report.extend([found.id] * read.records)
        self._n.extend(range(1, read.records + 1))
        self._reports.append(_report_row(found, read, fingerprint & _POSITIVE))

    def tables(self) -> dict[str, pa.Table]:
        """All rows as tables."""
        evidence = (schemas.evidence_row(self._defined.evidence[number]) for number in self._evidences)
        judgements = (schemas.judgement_row(self._defined.judgements[number]) for number in self._judgements)
        return {
            "reports": schemas.table(self._reports, schemas.FOUND_REPORTS),
            "records": pa.table([pa.array(column) for column in self._columns()], schemas.NUMBERS),
            "addresses": pa.table([pa.array(list(self._addresses), pa.string())], ["source_ip"]),
            "evidence": schemas.table(evidence, schemas.EVIDENCE),
            "judgements": schemas.table(judgements, schemas.JUDGEMENTS),
        }

    def _columns(self) -> Iterable["array[int]"]:
        return (self._report, self._n, self._messages, self._address, self._evidence, self._judgement)

    def _add_evidence(self, number: int) -> tuple[int, int]:
        digest = schemas.number_of(self._defined.evidence[number].digest)
        made = self._evidences[number] = (len(self._evidences), digest)
        return made

    def _add_address(self, ip: str | None) -> tuple[int, int]:
        number = 0 if ip is None else schemas.number_of(blake2b(ip.encode(), digest_size=8).digest())
        made = self._addresses[ip] = (len(self._addresses), number)
        return made


def _report_row(found: Found, read: ReadReport, fingerprint: int) -> tuple[Any, ...]:
    """The row of `schemas.FOUND_REPORTS`."""
    report, policy, arrival = read.report, read.report.policy, found.arrival
    day, span_days = covered(report.begin, report.end)
    received = arrival.received_at or report.end
    problems = [{"path": each.path, "found": each.found, "messages": each.messages} for each in read.problems]
    return (
        found.id, found.item, report.org_name, report.org_email, report.report_id, iso(report.begin),
        iso(report.end), policy.domain, policy.p, policy.sp, policy.np, policy.pct, policy.testing,
        policy.adkim, policy.aspf, policy.fo, policy.discovery_method, report.generator,
        report.extra_contact_info, report.errors, report.dialect, read.grade, read.tier, arrival.origin,
        iso(received), read.records, read.messages, read.unread_messages, reporter_key(report), day,
        span_days, received.date(), read.name, read.sha256, fingerprint, problems, found.several,
    )  # fmt: skip
