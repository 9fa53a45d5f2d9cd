"""Records of a shape that was read before are split, not parsed: a quarter of the cost.

A shape is a record's text without the texts in its elements. A reporter's program writes few of them,
so that nearly every record has a known one; and most say what an earlier one said, but for address
and count.

Why this is no second parser: a shape is taken only from a text that expat has read, from one
`<record>` in `feedback` to its end, and recognised only where expat has parsed all that came before
and stands in `feedback` again. Plain characters between `>` and `</` are the text of one element in a
document without comments, CDATA sections and instructions, and other plain characters in their
place leave everything else as it was. Which element it is the usual walk over the shape has told.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.evidence import COUNT, SOURCE_IP, RawRecord, Statement, read_record
from dmarcwatch.parse.markup import StrictParser
from dmarcwatch.parse.walk import Walk

RECORD_START = "<record>"
RECORD_END = "</record>"
_MAX_CHARS = 4096
"""A longer record is parsed each time; a usual one has 700."""
_MAX_SHAPES = 512
_MAX_STATEMENTS = 8192
"""With `_MAX_CHARS` these bound the memory to some 32 MiB."""
_HOLE = "\ue000"
"""Marks a number as that of a text, while a shape is learned; a private character, in no sane report."""

_split = re.compile(r">([^<>&\x00-\x1f\ufffe\uffff]*)</").split
"""Shape and texts in turn."""


class Shape(NamedTuple):
    """What the texts of a record are, by their order in it."""

    leaves: tuple[tuple[str, int | str | None], ...]
    """Each leaf's path with the number of its text, with a text that is part of the shape, or None."""
    source_ip: int
    messages: int
    said: Callable[[Sequence[str]], tuple[str, ...]]
    """Picks the texts of all leaves but address and count."""
    statements: dict[tuple[str, ...], Statement]
    """What they state, by these texts."""


class Shapes:
    """The shapes seen so far, within bounds that all have in common."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._statements = 0

    def read(self, text: str) -> RawRecord | None:
        """The record of this text, or None if its shape is unknown."""
        if len(text) > _MAX_CHARS:
            return None
        parts = _split(text)
        shape = self._shapes.get(tuple(parts[::2]))
        if shape is None:
            return None
        texts = parts[1::2]
        said = shape.said(texts)
        statement = shape.statements.get(said)
        if statement is None:
            statement = self._state(shape, said, texts)
        return RawRecord(texts[shape.source_ip].strip(), texts[shape.messages].strip(), statement)

    def learn(self, text: str) -> None:
        """Take the shape of `text`, which was parsed as one record between two children of `feedback`."""
        if len(text) > _MAX_CHARS or "<!" in text or "<?" in text or _HOLE in text:
            return
        parts = _split(text)
        numbers = range(len(parts) // 2)
        parts[1::2] = (f">{_HOLE}{number}</" for number in numbers)
        shape = _shape(_walk("".join(parts), self._budgets))
        if shape is None:
            return
        if len(self._shapes) >= _MAX_SHAPES:
            self._shapes.clear()
        self._shapes[tuple(parts[::2])] = shape

    def _state(self, shape: Shape, said: tuple[str, ...], texts: Sequence[str]) -> Statement:
        leaves = [(path, texts[what] if isinstance(what, int) else what) for path, what in shape.leaves]
        statement = read_record(leaves, self._budgets).statement
        if self._statements >= _MAX_STATEMENTS:
            self._statements = 0
            for each in self._shapes.values():
                each.statements.clear()
        self._statements += 1
        shape.statements[said] = statement
        return statement


@lru_cache(maxsize=4)
def shapes_for(budgets: Budgets) -> Shapes:
    """The shapes of all documents that are read within the same bounds."""
    return Shapes(budgets)


def _walk(text: str, budgets: Budgets) -> Walk:
    walk = Walk(budgets)
    parser = StrictParser(walk)
    parser.feed(f"<feedback>{text}</feedback>")
    parser.close()
    return walk


def _shape(walk: Walk) -> Shape | None:
    """None where address or count is not one text each, or hardly anything else is said."""
    (leaves,) = walk.records
    found = tuple((path, _what(text)) for path, text in leaves)
    numbers = [number for path, number in found if isinstance(number, int) and path not in (SOURCE_IP, COUNT)]
    (address, *more), (count, *still_more) = (
        [what for path, what in found if path == wanted] or [None] for wanted in (SOURCE_IP, COUNT)
    )
    if more or still_more or not isinstance(address, int) or not isinstance(count, int) or len(numbers) < 2:
        return None
    return Shape(found, address, count, itemgetter(*numbers), {})


def _what(text: str | None) -> int | str | None:
    return int(text.removeprefix(_HOLE)) if text and text.startswith(_HOLE) else text
