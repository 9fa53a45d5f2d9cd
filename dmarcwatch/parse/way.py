"""One way through a document, from its first byte to its last."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import MalformedXml, ReportError
from dmarcwatch.parse.evidence import COUNT, read_record
from dmarcwatch.parse.head import Head, read_report
from dmarcwatch.parse.known import known
from dmarcwatch.parse.known_heads import TAIL
from dmarcwatch.parse.known_records import END, START
from dmarcwatch.parse.markup import Decoder, RecoveringParser, StrictParser
from dmarcwatch.parse.tally import Tally
from dmarcwatch.parse.walk import Walk
from dmarcwatch.parse.words import read_count

_MORE = re.compile(r"<(?:[\w.-]+:)?(?:feedback|record)[\s/>]")
"""The tag of another report, or of a record behind the end of this one."""
_MAX_TAG_CHARS = 100


class Pass:
    """Reads a document, and parses what of it is not known by its text."""

    def __init__(self, chunks: Iterable[bytes], budgets: Budgets, *, recover: bool) -> None:
        self.tally = Tally(max_records=budgets.max_records, max_problems=budgets.max_problems)
        self.steps = self._steps(chunks)
        """One step for each piece of text; never more records wait than a piece holds."""
        self.lossy = False
        """True once something was passed over that may have been records."""
        self._budgets = budgets
        self._recover = recover
        self._decoder = Decoder()
        self._known = known(budgets)
        self._head: Head | None = None
        self._unparsed = ""
        """A known head, and a known end; parsed as soon as anything else must be."""
        self._begun = False
        self._at_rest = False
        """True between the elements of `feedback`, where a known text can only be the record it was."""

    @cached_property
    def _walk(self) -> Walk:
        return Walk(self._budgets, recover=self._recover)

    @cached_property
    def _parser(self) -> StrictParser | RecoveringParser:
        return RecoveringParser(self._walk) if self._recover else StrictParser(self._walk)

    @property
    def settled(self) -> bool:
        """True if all has been read that comes before the records."""
        return bool(self._unparsed) or self._walk.settled

    @property
    def repaired(self) -> bool:
        """True once anything was not as the RFCs want it."""
        walked = not self._unparsed and self._walk.repaired
        return self.tally.repaired or self._decoder.repaired or walked

    def head(self) -> Head:
        """What stands outside the records, as far as it was read. Raises ReportError."""
        if self._head is not None and self._unparsed:
            return self._head
        walk, header_from = self._walk, self.tally.header_from
        return read_report(walk.head, self._budgets, dmarc_2=walk.dmarc_2, header_from=header_from)

    def _steps(self, chunks: Iterable[bytes]) -> Iterator[None]:
        pieces = self._decoder.pieces(chunks)
        piece = None
        try:
            for piece in pieces:
                self._feed_records(piece)
                if not self._unparsed:
                    self._walk.check()
                yield
            if piece is None:
                raise ReportError("empty", "there is nothing in it")
            if not self._unparsed:
                self._close()
        except MalformedXml:
            if not (self._walk.complete or (self._recover and self._parser.rest)):
                raise
            self._pass_over(self._parser.rest, pieces)
        if not self._unparsed:
            self._finish()

    def _pass_over(self, rest: str, pieces: Iterator[str]) -> None:
        """What follows the report is no part of it, but must not be another one unseen."""
        self.tally.repaired = True
        held = ""
        for piece in chain((rest,), pieces):
            text = held + piece
            found = _MORE.search(text)
            if found:
                self.lossy = True
                self.tally.lose("feedback", text[found.start() : found.start() + 80], None)
            # A tag may go on in the next piece.
            cut = text.rfind("<", max(0, len(text) - _MAX_TAG_CHARS))
            held = text[cut:] if cut >= 0 and not _MORE.match(text, cut) else ""

    def _finish(self) -> None:
        if not self._walk.begun:
            raise ReportError("no-feedback", "no element in it is a report")
        if self._walk.strays:
            self.lossy = True
            self.tally.lose("feedback", f"{self._walk.strays} reports or records in strange places", None)
        cut_off = self._walk.unended()
        if cut_off is not None:
            counts = [text for path, text in cut_off if path == COUNT and text]
            self.tally.lose(
                f"feedback/record[{self.tally.seen + 1}]",
                "cut off",
                read_count(counts[0].strip()) if counts else None,
            )
        elif not self._walk.complete:
            self.tally.lose("feedback", f"cut off behind record {self.tally.seen}", None)

    def _feed_records(self, text: str) -> None:
        if self._recover:
            self._feed(text)
            return
        parts = text.split(END)
        rest = parts.pop()
        if parts and not self._begun:
            head, start, inside = parts[0].partition(START)
            self._begin(head)
            parts[0] = f"{start}{inside}"
        for number, part in enumerate(parts, start=1):
            if self._at_rest and self._known.records.read(part, self.tally):
                continue
            self._feed_record(part)
            if not self._at_rest:
                # Inside a comment, CDATA or something unknown this is no end of a record.
                rest = END.join((*parts[number:], rest))
                break
        if self._unparsed and self._at_rest and rest.strip() == TAIL:
            self._unparsed += rest
            self._at_rest = False
        else:
            self._feed(rest)

    def _feed_record(self, part: str) -> None:
        """Parse up to a record's end, and learn what the record looks like if nothing else is there."""
        before, _, inside = part.partition(START)
        is_record, seen = self._at_rest and not before.strip(), self.tally.seen
        self._feed(f"{part}{END}")
        if is_record and self._at_rest and self.tally.seen == seen + 1:
            self._known.records.learn(inside)

    def _begin(self, text: str) -> None:
        """Read what stands before the first record, by its text alone where that is known."""
        self._head = self._known.heads.read(text)
        if self._head is None:
            self._feed(text)
            if self._at_rest:
                self._known.heads.learn(text)
            return
        self._begun = self._at_rest = True
        self._unparsed = text

    def _feed(self, text: str) -> None:
        """Parse `text`, and before it what was known so far."""
        self._begun = True
        text, self._unparsed = self._unparsed + text, ""
        try:
            self._parser.feed(text)
        finally:  # What is malformed may come after the last record.
            self._add_records()
        self._at_rest = self._walk.at_rest and self._parser.idle

    def _close(self) -> None:
        """Parse what the parser held back."""
        try:
            self._parser.close()
        finally:
            self._add_records()

    def _add_records(self) -> None:
        for leaves in self._walk.records:
            self.tally.add(*read_record(leaves, self._budgets))
        self._walk.records.clear()
