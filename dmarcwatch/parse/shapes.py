"""A run of XML as a shape, which stays, and the texts in it, which change.

A shape is a text without the texts in its elements. A reporter's program writes few of them, so
nearly every head and every record has a known one and need not be parsed: a quarter of the cost.

Why this is no second parser: a shape is taken only from a text that expat has read, from one place
between the children of `feedback` to another, and recognised only where the same is known of what came
before. Plain characters between `>` and `</` are the text of one element in a document without
comments, CDATA sections and instructions where each `>` ends a tag, and other plain characters in their
place leave everything else as it was. Which element it is the usual walk over the shape has told.
"""

import re
from collections.abc import Hashable, Sequence
from typing import TypeAlias, TypeVar

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.elements import Leaf
from dmarcwatch.parse.markup import StrictParser
from dmarcwatch.parse.walk import Walk

MAX_CHARS = 4096
"""A longer text is parsed each time; a usual record has 700, a usual head 600."""
MAX_SHAPE_CHARS = 1024 * 1024
"""Of all shapes that are remembered; some thousand."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Gaps: TypeAlias = tuple[str, ...]
"""What stands between the texts; a shape is recognised by it."""
Place: TypeAlias = tuple[str, int | str | None]
"""A leaf's path with the number of its text, with a text that is part of the shape, or None."""

PLAIN = r"[^<>&\x00-\x1f\ufffe\uffff]*"
"""Characters that stand for themselves in the text of an element."""
_HOLE = "\ue000"
"""Marks a number as that of a text, while a shape is learned; a private character, in no sane report."""
_NO_SHAPE = re.compile(f">[^<]*>|<!|{_HOLE}|&#0*57344;|&#x0*[Ee]000;")
"""What `split` would misread: a `>` that ends no tag (`&lt;id@host>`), comments, CDATA, and the mark."""

split = re.compile(f">({PLAIN})</").split
"""Gaps and texts in turn."""


class Remembered(dict[Key, Value]):
    """What is known by its text, until the texts have too many characters: then it is forgotten."""

    def __init__(self, max_chars: int) -> None:
        super().__init__()
        self._max_chars = max_chars
        self._chars = 0

    def remember(self, key: Key, value: Value, chars: int) -> None:
        """Keep what is known by a text of so many characters."""
        self._chars += chars
        if self._chars > self._max_chars:
            self.clear()
            self._chars = chars
        self[key] = value


def is_simple(text: str) -> bool:
    """Whether a shape may be taken from a text that was parsed; a declaration at its start is no matter."""
    return len(text) <= MAX_CHARS and "<?" not in text[1:] and not _NO_SHAPE.search(text)


def walk_over(text: str, budgets: Budgets, *, start: str = "", end: str = "") -> tuple[Gaps, Walk]:
    """The gaps of a simple text, and the usual walk over it with numbers for texts (`place`).

    `start` and `end` stand around it, as far as it is no document by itself.
    """
    parts = split(text)
    gaps = tuple(parts[::2])
    parts[1::2] = (f">{_HOLE}{number}</" for number in range(len(gaps) - 1))
    walk = Walk(budgets)
    StrictParser(walk).feed(f"{start}{''.join(parts)}{end}")
    return gaps, walk


def places(leaves: Sequence[Leaf]) -> tuple[Place, ...]:
    """The leaves of a walk over a shape."""
    return tuple((path, _what(text)) for path, text in leaves)


def fill(found: Sequence[Place], texts: Sequence[str]) -> list[Leaf]:
    """The leaves of a text with this shape and these texts."""
    return [(path, texts[what] if isinstance(what, int) else what) for path, what in found]


def number_of(path: str, found: Sequence[Place]) -> int | None:
    """The number of the text that alone stands at a path; None where it is not alone, or no text."""
    what = [what for each, what in found if each == path]
    return what[0] if len(what) == 1 and isinstance(what[0], int) else None


def _what(text: str | None) -> int | str | None:
    return int(text.removeprefix(_HOLE)) if text and text.startswith(_HOLE) else text
