"""One document -> its report, and its records in batches."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.head import Head
from dmarcwatch.parse.way import Pass
from dmarcwatch.report import Grade, Problem, Record, Report

MISSING = frozenset({"no-feedback", "no-date-range", "no-policy-domain"})
"""Reasons that tell of what is not there; after recovery that may be what the broken XML hides."""
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
    if way.tally.seen and not way.settled:
        # A head that ends after the first record is read on a way of its own, so that no records pile up.
        scout = Pass(chunks(), budgets, recover=recover)
        for _ in scout.steps:
            scout.tally.take()
    return Reading(scout.head(), way, recover=recover)


class Reading:
    """A report whose records are still being read."""

    def __init__(self, head: Head, way: Pass, *, recover: bool) -> None:
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


_END = object()
