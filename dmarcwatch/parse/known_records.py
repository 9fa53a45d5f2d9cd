"""Records that need not be parsed, because their text or its shape was read before.

Most records say what an earlier one said, but for address and count: those are found by their text.
Nearly all others have a known shape and are read by a plan of it.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.evidence import COUNT, SOURCE_IP, Statement, read_record
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
_BLANK = " \t\r\n"
_begin = re.compile(
    rf"[{_BLANK}]*{START}[{_BLANK}]*<row>[{_BLANK}]*<source_ip>([0-9a-fA-F.:]+)</source_ip>"
    rf"[{_BLANK}]*<count>([0-9]+)</count>"
).match
"""How nearly every record begins; what its address and its count are does not change what follows."""
_MAX_REMEMBERED_CHARS = 4 * 1024 * 1024
"""Of texts that are remembered, some 7,000 usual records; what they state takes as much again."""


class _Shape(NamedTuple):
    """What the texts of a record are, by their order in it."""

    places: tuple[Place, ...]
    source_ip: int
    messages: int
    plan: Plan | None


class KnownRecords:
    """The records seen so far, within bounds."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._statements = Remembered[str, Statement](_MAX_REMEMBERED_CHARS)
        """By the text after the count."""
        self._shapes = Remembered[Gaps, _Shape](MAX_SHAPE_CHARS)

    def read(self, text: str, tally: Tally) -> bool:
        """Add the record with this text before its end tag; False where that must be parsed."""
        begin = _begin(text)
        if begin is None:
            return self._read_shape(text, None, tally)
        rest = text[begin.end() :]
        statement = self._statements.get(rest)
        if statement is not None:
            source_ip, messages = begin.groups()
            address, count = read_address(source_ip), read_count(messages)
            if address is not None and count is not None:
                tally.add_read(address, count, statement)
                return True
        return self._read_shape(text, rest, tally)

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

    def _read_shape(self, text: str, rest: str | None, tally: Tally) -> bool:
        """Add the record if its shape is known; `rest` is what to remember it by."""
        before, start, inside = text.partition(START)
        if not start or before.strip(_BLANK) or len(inside) > MAX_CHARS:
            return False
        parts = split(inside)
        shape = self._shapes.get(tuple(parts[::2]))
        if shape is None:
            return False
        texts = parts[1::2]
        statement = self._state(shape, texts)
        if rest is not None:
            self._statements.remember(rest, statement, len(rest))
        tally.add(texts[shape.source_ip].strip(), texts[shape.messages].strip(), statement)
        return True

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
    return _Shape(found, address, count, make_plan(found, len(gaps) - 1, budgets))
