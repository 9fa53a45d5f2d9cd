"""An item's bytes -> what is to be stored of it: unpacked, believed, parsed and classified.

This touches no database, so that it can run in other processes; what it costs is most of a run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from dmarcwatch.arrival import Arrival
from dmarcwatch.budgets import Budgets
from dmarcwatch.check.trusting import Trust
from dmarcwatch.classify import Classification
from dmarcwatch.collect import Item
from dmarcwatch.errors import MalformedXml, ReportError, UnpackError
from dmarcwatch.parse import MISSING, Reading, read
from dmarcwatch.prepared import Aside, Definitions, Part, Prepared, ReadReport, Refused, Row, Rows
from dmarcwatch.reasons import Reason
from dmarcwatch.report import Evidence, Record, Report
from dmarcwatch.senders import Senders
from dmarcwatch.store.encoding import evidence_row, judgement_row
from dmarcwatch.unpack import Document, Unpacked, unpack

Classify = Callable[[Record, Report], Classification]

_MAX_NUMBERED = 10_000
"""Values kept in memory to be recognised, some more than the parser remembers: ten megabytes at the most."""
_MAX_DEFINED = 2_000
"""Definitions that are handed on before an item is at its end, so that no report can pile them up."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How items are read, whom they are believed to come from, and which of their reports are wanted."""

    senders: Senders
    classify: Classify
    trust: Trust
    budgets: Budgets = Budgets()
    is_ours: Callable[[str], bool] = lambda domain: True
    """Whether reports on a policy domain are the user's; others are set aside."""
    keep_raw: bool = True
    """Whether items' bytes are kept; those of what could not be read always are."""
    redact: bool = True
    """Whether failure reports lose what names people, and their bytes."""


class Preparer:
    """Prepares items one after the other.

    `define` takes what is new among evidence and classifications, before the item that needs it is
    returned. `now` bounds what mails say of their date.
    """

    def __init__(self, rules: Rules, now: datetime, define: Callable[[Definitions], None]) -> None:
        self._rules = rules
        self._now = now
        self._define = define
        # By identity, with the object kept alive: the parser makes equal evidence one object and the
        # classifier equal classifications, and hashing their nested tuples costs more than the rest.
        self._evidence: dict[int, tuple[Evidence, int]] = {}
        self._judgements: dict[int, tuple[Classification, int]] = {}
        self._numbers = [0, 0]
        self._new = Definitions([], [])

    def prepare(self, item: Item, *, local: bool) -> Prepared:
        """Read one item; whatever it holds, the result says what came of it.

        `local`: a file that the user named.
        """
        size = item.size or len(item.data)
        unpacked = self._open(item.data, size, headers_only=item.headers_only)
        arrival = self._arrival(item, size, unpacked, local=local)
        return Prepared(arrival, self._parts(unpacked, arrival))

    def again(self, data: bytes, arrival: Arrival) -> Prepared:
        """Read kept bytes anew, with what was known of their arrival then."""
        unpacked = self._open(data, arrival.size, headers_only=len(data) < arrival.size)
        return Prepared(arrival, self._parts(unpacked, arrival))

    def _open(self, data: bytes, size: int, *, headers_only: bool) -> Unpacked | Refused:
        """What the item holds, or why it holds nothing; `size` is the item's at its origin, in bytes."""
        if headers_only:
            return Refused("", Reason.MESSAGE_BYTES, f"{size:,} bytes are more than one item may have")
        try:
            return unpack(data, self._rules.budgets)
        except UnpackError as error:
            return Refused("", error.reason, error.message)
        except Exception as error:  # a fault of ours must cost one item, not the run
            if _is_the_machines(error):
                raise
            return Refused("", "internal", _fault(error))

    def _arrival(self, item: Item, size: int, unpacked: Unpacked | Refused, *, local: bool) -> Arrival:
        """How the item came, with what its mail and the mail's host say of the sender."""
        digest = sha256(item.data).hexdigest()
        received = _not_after(item.received_at, self._now)
        if isinstance(unpacked, Refused):
            return Arrival(item.origin, item.token, digest, size, received, local)
        headers = unpacked.headers
        sender = self._rules.trust.introduce(item.data, headers, local=local)
        dated = _not_after(headers.date, self._now) if headers else None
        return Arrival(
            item.origin,
            item.token,
            digest,
            size,
            received or dated,
            local,
            headers.from_domain if headers else None,
            sender.authserv_id,
            sender.passed,
        )

    def _parts(self, unpacked: Unpacked | Refused, arrival: Arrival) -> tuple[Part, ...]:
        if isinstance(unpacked, Refused):
            return (unpacked,)
        parts: list[Part] = [Refused(fault.name, fault.reason, fault.message) for fault in unpacked.faults]
        parts += unpacked.set_aside
        parts += [self._document(document, arrival) for document in unpacked.documents]
        self._hand_on()
        return tuple(parts)

    def _document(self, document: Document, arrival: Arrival) -> Part:
        try:
            try:
                return self._read(document, arrival, recover=document.truncated)
            except MalformedXml as malformed:
                if document.truncated:
                    raise
                return self._recover(document, arrival, malformed)
        except ReportError as error:
            return Refused(document.name, error.reason, error.message)
        except Exception as error:  # as above
            if _is_the_machines(error):
                raise
            return Refused(document.name, "internal", _fault(error))

    def _recover(self, document: Document, arrival: Arrival, malformed: MalformedXml) -> Part:
        try:
            return self._read(document, arrival, recover=True)
        except ReportError as error:
            if error.reason in MISSING:
                # It may be there: what is broken is the XML around it.
                raise malformed from error
            raise

    def _read(self, document: Document, arrival: Arrival, *, recover: bool) -> Part:
        """Read one document to its end, so that broken XML is known before anything is stored."""
        reading = read(document.chunks, budgets=self._rules.budgets, recover=recover)
        report = reading.report
        if not self._rules.is_ours(report.policy.domain):
            return Aside("foreign-domain", document.name, document.size)
        rows = self._rows(reading)
        return ReadReport(
            document.name,
            document.sha256,
            self._rules.trust.tier(arrival, report),
            report,
            reading.grade,
            reading.problems,
            reading.records,
            reading.messages,
            reading.unread_messages,
            rows,
        )

    def _rows(self, reading: Reading) -> Rows:
        head, classify, rows = reading.report, self._rules.classify, Rows()
        numbered, judged = self._evidence.get, self._judgements.get
        for batch in reading.batches():
            chunk: list[Row] = []
            for record in batch:
                source_ip, messages, said = record
                evidence = numbered(id(said)) or self._new_evidence(said)
                found = classify(record, head)
                judgement = judged(id(found)) or self._new_judgement(found)
                chunk.append((source_ip, messages, evidence[1], judgement[1]))
            rows.extend(chunk)
            if len(self._new.evidence) + len(self._new.judgements) > _MAX_DEFINED:
                self._hand_on()
        return rows

    def _new_evidence(self, evidence: Evidence) -> tuple[Evidence, int]:
        if len(self._evidence) >= _MAX_NUMBERED:
            self._evidence.clear()
        self._new.evidence.append(evidence_row(evidence))
        found = self._evidence[id(evidence)] = (evidence, self._numbers[0])
        self._numbers[0] += 1
        return found

    def _new_judgement(self, judgement: Classification) -> tuple[Classification, int]:
        if len(self._judgements) >= _MAX_NUMBERED:
            self._judgements.clear()
        self._new.judgements.append(judgement_row(judgement))
        found = self._judgements[id(judgement)] = (judgement, self._numbers[1])
        self._numbers[1] += 1
        return found

    def _hand_on(self) -> None:
        if self._new.evidence or self._new.judgements:
            self._define(self._new)
            self._new = Definitions([], [])


def _not_after(moment: datetime | None, now: datetime) -> datetime | None:
    """A mail's own date is a claim; one in the future would hide the report from every verdict."""
    return min(moment, now) if moment else None


def _is_the_machines(error: Exception) -> bool:
    """Whether memory or handles ran out: the item is sound then, and the next run reads it."""
    # A library that is loaded when first wanted fails to load for the same reasons, and Python itself
    # does not always know what it has run out of.
    known = isinstance(error, MemoryError | ImportError | SystemError)
    return known or getattr(error, "errno", None) is not None


def _fault(error: Exception) -> str:
    return f"dmarcwatch failed on it: {type(error).__name__}: {error}"
