"""The account of one reading: what was read, what could not be, and how many messages that cost."""

from collections.abc import Iterable

from dmarcwatch.errors import ReportError
from dmarcwatch.parse.evidence import COUNT, SOURCE_IP, Statement
from dmarcwatch.parse.words import MAX_FOUND_CHARS, Note, read_address, read_count
from dmarcwatch.report import Problem, Record
from dmarcwatch.text import clean


class Tally:
    """Turns what records state into records, and accounts for all of it.

    The messages of all problems add up to `unread_messages`, those of unlisted problems included.
    """

    def __init__(self, *, max_records: int, max_problems: int) -> None:
        self.records = 0
        """Records that can be used."""
        self.messages = 0
        """Messages of those records."""
        self.unread_messages = 0
        """Messages of problems, as far as they are known."""
        self.seen = 0
        """Records of either kind; the number of the last one."""
        self.repaired = False
        self.header_from: str | None = None
        """The first one that a record names."""
        self._ready: list[Record] = []
        self._max_records = max_records
        self._max_problems = max_problems
        self._problems: list[Problem] = []
        self._unlisted = 0
        self._unlisted_messages = 0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems; beyond the bound one stands for the rest."""
        if not self._unlisted:
            return tuple(self._problems)
        rest = Problem("feedback", f"{self._unlisted} more problems", self._unlisted_messages)
        return (*self._problems, rest)

    @property
    def ready(self) -> int:
        """How many records `take` would hand over."""
        return len(self._ready)

    def take(self) -> list[Record]:
        """The records added since the last time."""
        records, self._ready = self._ready, []
        return records

    def add(self, source_ip: str | None, messages: str | None, statement: Statement) -> None:
        """Add a record, its address and count as they stood there; a record without count is lost.

        Raises ReportError beyond the bound on records.
        """
        count = read_count(messages) if messages else None
        address = read_address(source_ip) if source_ip else None
        if count is None:
            self._lose(COUNT, messages or "", None)
        elif not (messages and messages.isdecimal()):
            self.repaired = True
        if address is None:
            self.repaired = True
            # GoDaddy leaves addresses out; that is a gap, not a problem.
            if source_ip:
                self._lose(SOURCE_IP, source_ip, 0)
        self.add_read(address, count, statement)

    def add_read(self, address: str | None, count: int | None, statement: Statement) -> None:
        """The same of a record whose address and count are read."""
        evidence, repaired, notes = statement
        if repaired:
            self.repaired = True
            self.note(f"feedback/record[{self.seen + 1}]", notes)
        self.seen += 1
        if self.seen > self._max_records:
            raise ReportError("records", f"more than {self._max_records} records")
        if count is None:
            return
        self.records += 1
        self.messages += count
        if self.header_from is None:
            self.header_from = evidence.header_from
        self._ready.append(Record(address, count, evidence))

    def _lose(self, path: str, found: str, messages: int | None) -> None:
        self.repaired = True
        self.lose(f"feedback/record[{self.seen + 1}]/{path}", found, messages)

    def note(self, place: str, notes: Iterable[Note]) -> None:
        """Take over notes on texts below `place`. They cost no message, but for a second count."""
        for path, found in notes:
            self.lose(f"{place}/{path}", found, read_count(found) if path == COUNT else 0)

    def lose(self, path: str, found: str, messages: int | None) -> None:
        """Note what could not be used, and the messages that are not counted because of it."""
        self.unread_messages += messages or 0
        if len(self._problems) < self._max_problems:
            self._problems.append(Problem(path, clean(found, MAX_FOUND_CHARS), messages))
        else:
            self._unlisted += 1
            self._unlisted_messages += messages or 0
