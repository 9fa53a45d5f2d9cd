"""Records that need not be parsed, because their text or its shape was read before.

Most records say what an earlier one said, but for address and count: those are found by their text.
Nearly all others have a known shape and are read by a plan of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.evidence import COUNT, SOURCE_IP, RawRecord, Statement, read_record
from dmarcwatch.parse.plan import Plan, make_plan, state
from dmarcwatch.parse.shapes import (
    MAX_CHARS,
    MAX_SHAPE_CHARS,
    Gaps,
    Place,
    Remembered,
    fill,
    is_simple,
    number_of,
    places,
    split,
    walk_over,
)
from dmarcwatch.parse.tally import Tally
from dmarcwatch.parse.words import read_address, read_count

START = "<record>"
END = "</record>"
_ADDRESS, _ADDRESS_END = "<source_ip>", "</source_ip>"
_COUNT, _COUNT_END = "<count>", "</count>"
_MAX_REMEMBERED_CHARS = 4 * 1024 * 1024
"""Of texts that are remembered, some 7,000 usual records; what they state takes as much again."""


class _Shape(NamedTuple):
    """What the texts of a record are, by their order in it."""

    places: tuple[Place, ...]
    source_ip: int
    messages: int
    row: tuple[str, str] | None
    """What stands before the address and between it and the count; None if a row begins otherwise."""
    plan: Plan | None


class KnownRecords:
    """The records seen so far, within bounds."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._statements = Remembered[tuple[str, str, str], Statement](_MAX_REMEMBERED_CHARS)
        """By the text before the address, between it and the count, and after that."""
        self._shapes = Remembered[Gaps, _Shape](MAX_SHAPE_CHARS)

    def read(self, text: str, tally: Tally) -> bool:
        """Add the record with this text between its tags; False where that must be parsed."""
        before, _, rest = text.partition(_ADDRESS)
        source_ip, _, rest = rest.partition(_ADDRESS_END)
        between, _, rest = rest.partition(_COUNT)
        messages, _, after = rest.partition(_COUNT_END)
        # Something is left behind the count only if all four tags were found, in this order.
        statement = self._statements.get((before, between, after))
        if statement is not None:
            count, address = read_count(messages), read_address(source_ip)
            # An address and a number are plain characters, which leave the rest of the text as it was.
            if count is not None and address is not None and messages.isdecimal():
                tally.add_read(address, count, statement)
                return True
        raw = self._read_shape(text, before, between, after)
        if raw is not None:
            tally.add(*raw)
        return raw is not None

    def learn(self, text: str) -> None:
        """Take the shape of a text that was parsed as one record between two children of `feedback`."""
        if not is_simple(text):
            return
        gaps, walk = walk_over(text, self._budgets, start=f"<feedback>{START}", end=END)
        if walk.strays:
            return
        (leaves,) = walk.records
        shape = _shape(places(leaves), gaps, self._budgets)
        if shape is not None:
            self._shapes.remember(gaps, shape, len(text))

    def _read_shape(self, text: str, before: str, between: str, after: str) -> RawRecord | None:
        if len(text) > MAX_CHARS:
            return None
        parts = split(text)
        shape = self._shapes.get(tuple(parts[::2]))
        if shape is None:
            return None
        texts = parts[1::2]
        statement = self._state(shape, texts)
        if shape.row == (before, between):
            self._statements.remember((before, between, after), statement, len(text))
        return RawRecord(texts[shape.source_ip].strip(), texts[shape.messages].strip(), statement)

    def _state(self, shape: _Shape, texts: Sequence[str]) -> Statement:
        statement = state(shape.plan, texts, self._budgets) if shape.plan else None
        if statement is None:
            statement = read_record(fill(shape.places, texts), self._budgets).statement
        return statement


def _shape(found: tuple[Place, ...], gaps: Gaps, budgets: Budgets) -> _Shape | None:
    """None where address or count is not one text."""
    address, count = number_of(SOURCE_IP, found), number_of(COUNT, found)
    if address is None or count is None:
        return None
    return _Shape(found, address, count, _row(gaps, address, count), make_plan(found, len(gaps) - 1, budgets))


def _row(gaps: Gaps, address: int, count: int) -> tuple[str, str] | None:
    """What `KnownRecords.read` finds around the address, where address and count are the first two texts."""
    if (address, count) != (0, 1):
        return None
    around = (f"{gaps[0]}>", f"</{gaps[1]}>", f"</{gaps[2]}")
    before, between = around[0].removesuffix(_ADDRESS), around[1][len(_ADDRESS_END) : -len(_COUNT)]
    expected = (f"{before}{_ADDRESS}", f"{_ADDRESS_END}{between}{_COUNT}")
    if around[:2] != expected or not around[2].startswith(_COUNT_END):
        return None
    return before, between
