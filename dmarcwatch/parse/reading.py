"""One document -> its report, and its records in batches."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import MalformedXml, ReportError
from dmarcwatch.parse.evidence import COUNT, read_record
from dmarcwatch.parse.head import Head, read_report
from dmarcwatch.parse.markup import Decoder, RecoveringParser, StrictParser
from dmarcwatch.parse.shapes import RECORD_END, RECORD_START, shapes_for
from dmarcwatch.parse.tally import Tally
from dmarcwatch.parse.walk import Walk
from dmarcwatch.parse.words import read_count
from dmarcwatch.report import Grade, Problem, Record, Report

_BATCH_RECORDS = 250
"""What a batch holds at least, unless it is the last; one piece of text adds as many again."""


def read(
    chunks: Callable[[], Iterable[bytes]], *, budgets: Budgets = Budgets(), recover: bool = False
) -> "Reading":
    """Read one XML document; `chunks` gives its bytes from their beginning each time it is called.

    Memory is that of the head and some hundred records. With `recover` malformed XML is read as far as it
    can be made out. Raises MalformedXml where it is malformed and `recover` would help, and otherwise
    ReportError; its reason is one of `empty`, `malformed`, `doctype`, `no-feedback`, `no-date-range`,
    `no-policy-domain`, and for exceeded budgets `records`, `leaves`, `text-chars`, `xml-depth`.
    """
    way = Pass(chunks(), budgets, recover=recover)
    while not way.tally.seen and next(way.steps, _END) is not _END:
        pass
    scout = way
    if way.tally.seen and not way.walk.settled:
        # A head that ends after the first record is read on a way of its own, so that no records pile up.
        scout = Pass(chunks(), budgets, recover=recover)
        for _ in scout.steps:
            scout.tally.take()
    head = read_report(
        scout.walk.head, budgets, dmarc_2=scout.walk.dmarc_2, header_from=scout.tally.header_from
    )
    return Reading(head, way, recover=recover)


class Reading:
    """A report whose records are still being read."""

    def __init__(self, head: Head, way: "Pass", *, recover: bool) -> None:
        self.report: Report = head.report
        """Complete from the beginning."""
        self._way = way
        self._tally = way.tally
        self._recover = recover
        self._tally.repaired = self._tally.repaired or head.repaired
        self._tally.note("feedback", head.notes)

    def batches(self) -> Iterator[list[Record]]:
        """The records in document order, some hundreds at a time; can be walked once.

        Raises MalformedXml midway: what was handed out by then must be taken back, and the document
        read again with `recover`. Raises ReportError when a budget is exceeded.
        """
        for _ in chain((None,), self._way.steps):
            if self._tally.ready >= _BATCH_RECORDS:
                yield self._tally.take()
        if self._tally.ready:
            yield self._tally.take()

    @property
    def grade(self) -> Grade:
        """How well the document could be read; final after the last batch, like all that follows."""
        if self._recover or self._way.lossy:
            return Grade.RECOVERED
        return Grade.REPAIRED if self._way.repaired else Grade.CLEAN

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be used. Their messages add up to `unread_messages`."""
        return self._tally.problems

    @property
    def records(self) -> int:
        """Records that could be used."""
        return self._tally.records

    @property
    def messages(self) -> int:
        """Messages of these records."""
        return self._tally.messages

    @property
    def unread_messages(self) -> int:
        """Messages of records that could not be used, as far as the document says how many."""
        return self._tally.unread_messages


class Pass:
    """One way through a document, from its first byte to its last."""

    def __init__(self, chunks: Iterable[bytes], budgets: Budgets, *, recover: bool) -> None:
        self.tally = Tally(max_records=budgets.max_records, max_problems=budgets.max_problems)
        self.walk = Walk(budgets, recover=recover)
        self.steps = self._steps(chunks)
        """One step for each piece of text; never more records wait than a piece holds."""
        self._budgets = budgets
        self._decoder = Decoder()
        self._parser = RecoveringParser(self.walk) if recover else StrictParser(self.walk)
        self._recover = recover
        self._shapes = shapes_for(budgets)
        self._at_rest = False
        """True between the elements of `feedback`, where a known text can only be the record it was."""
        self.lossy = False
        """True once something was passed over that may have been records."""

    @property
    def repaired(self) -> bool:
        """True once anything was not as the RFCs want it."""
        return self.tally.repaired or self.walk.repaired or self._decoder.repaired

    def _steps(self, chunks: Iterable[bytes]) -> Iterator[None]:
        pieces = self._decoder.pieces(chunks)
        piece = None
        try:
            for piece in pieces:
                self._feed_records(piece)
                self.walk.check()
                yield
            if piece is None:
                raise ReportError("empty", "there is nothing in it")
            self._parser.close()
        except MalformedXml:
            if not self.walk.complete:
                raise
            self._pass_over(self._parser.rest, pieces)
        self._finish()

    def _pass_over(self, rest: str, pieces: Iterator[str]) -> None:
        """What follows the report is no part of it, but must not be another one unseen."""
        self.tally.repaired = True
        for text in chain((rest,), pieces):
            if "<feedback" in text:
                self.lossy = True
                self.tally.lose("feedback", text[:80], None)

    def _finish(self) -> None:
        if not self.walk.begun:
            raise ReportError("no-feedback", "no element in it is a report")
        if self.walk.strays:
            self.lossy = True
            self.tally.lose("feedback", f"{self.walk.strays} reports or records in strange places", None)
        cut_off = self.walk.unended()
        if cut_off is not None:
            counts = [text for path, text in cut_off if path == COUNT and text]
            self.tally.lose(
                f"feedback/record[{self.tally.seen + 1}]",
                "cut off",
                read_count(counts[0].strip()) if counts else None,
            )

    def _feed_records(self, text: str) -> None:
        if self._recover:
            self._feed(text)
            return
        parts = text.split(RECORD_END)
        rest = parts.pop()
        for number, part in enumerate(parts, start=1):
            self._feed_record(part)
            if not self._at_rest:
                # Inside a comment, CDATA or something unknown this is no end of a record.
                rest = RECORD_END.join((*parts[number:], rest))
                break
        self._feed(rest)

    def _feed_record(self, part: str) -> None:
        """Read up to a record's end, by its text alone where its shape is known."""
        before, start, inside = part.partition(RECORD_START)
        if before.strip() or not self._at_rest:
            self._feed(before)
        text = f"{start}{inside}{RECORD_END}"
        if not (start and self._at_rest):
            self._feed(text)
            return
        raw = self._shapes.read(text)
        if raw is not None:
            self.tally.add(*raw)
            return
        seen = self.tally.seen
        self._feed(text)
        if self._at_rest and self.tally.seen == seen + 1:
            self._shapes.learn(text)

    def _feed(self, text: str) -> None:
        try:
            self._parser.feed(text)
        finally:  # What is malformed may come after the last record.
            for leaves in self.walk.records:
                self.tally.add(*read_record(leaves, self._budgets))
            self.walk.records.clear()
        self._at_rest = self.walk.at_rest and self._parser.idle


_END = object()
