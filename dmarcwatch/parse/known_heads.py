"""Heads that need not be parsed, because their text or its shape was read before.

A reporter's reports on one domain differ day by day in their id and their period alone: with those cut
out the text of the head is known. The first on another domain has a known shape at least.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import ReportError
from dmarcwatch.parse.head import BEGIN, END, REPORT_ID, Head, read_report
from dmarcwatch.parse.shapes import (
    MAX_CHARS,
    MAX_SHAPE_CHARS,
    PLAIN,
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
from dmarcwatch.parse.words import read_epoch
from dmarcwatch.report import Report, is_plausible
from dmarcwatch.text import clean

TAIL = "</feedback>"
"""What ends a document that began with a known head."""
_CHANGING = {"report_id": REPORT_ID, "begin": BEGIN, "end": END}
_ROOT = re.compile(r"(?:<\?xml[^<>]*\?>)?\s*<feedback[\s>]")
_MAX_REMEMBERED_CHARS = 2 * 1024 * 1024
"""Of heads that are remembered, some 3,500; the reports that were read of them take as much again."""

_cut = re.compile(rf"<({'|'.join(_CHANGING)})>({PLAIN})</").split
"""What stands between the changing texts, in turn with the name and the text of each."""

_Changing: TypeAlias = tuple[str, datetime, datetime]
"""Report id, begin and end."""


class _Shape(NamedTuple):
    """What the texts of a head are, by their order in it."""

    places: tuple[Place, ...]
    dmarc_2: bool
    is_cut: bool
    """True if `_cut` finds the texts that change, and nothing else."""


class KnownHeads:
    """The heads seen so far, within bounds."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._heads = Remembered[tuple[str, ...], Head](_MAX_REMEMBERED_CHARS)
        """By the text without report id, begin and end."""
        self._shapes = Remembered[Gaps, _Shape](MAX_SHAPE_CHARS)

    def read(self, text: str) -> Head | None:
        """The head of a document that begins with this text, or None where that must be parsed."""
        parts = _cut(text)
        key = (*parts[::3], *parts[1::3])
        head = self._heads.get(key)
        changing = self._changing(dict(zip(parts[1::3], parts[2::3], strict=True)))
        if head is None or changing is None:
            return self._read_shape(text, key, changing)
        known = head.report
        report = Report(
            known.org_name,
            known.org_email,
            *changing,
            known.policy,
            known.dialect,
            known.extra_contact_info,
            known.errors,
            known.generator,
        )
        return Head(report, head.repaired, head.notes)

    def learn(self, text: str) -> None:
        """Take the shape of a text that was parsed as all that stands before the first record."""
        if not is_simple(text.removeprefix("<?xml")) or not _ROOT.match(text):
            return
        gaps, walk = walk_over(text, self._budgets)
        # A `<record/>` is one, too.
        is_head = walk.settled and not (walk.records or walk.strays or walk.repaired)
        if not is_head or len(walk.head) > self._budgets.max_leaves:
            return
        found = places(walk.head)
        self._shapes.remember(gaps, _Shape(found, walk.dmarc_2, _is_cut(gaps, found)), len(text))

    def _read_shape(self, text: str, key: tuple[str, ...], changing: _Changing | None) -> Head | None:
        if len(text) > MAX_CHARS:
            return None
        parts = split(text)
        shape = self._shapes.get(tuple(parts[::2]))
        if shape is None:
            return None
        leaves = fill(shape.places, parts[1::2])
        try:
            head = read_report(leaves, self._budgets, dmarc_2=shape.dmarc_2, header_from=None)
        except ReportError:  # A record may name what is missing.
            return None
        report = head.report
        if shape.is_cut and changing == (report.report_id, report.begin, report.end):
            self._heads.remember(key, head, len(text))
        return head

    def _changing(self, texts: Mapping[str, str]) -> _Changing | None:
        """The values that change; None where one of them is missing or needs a note."""
        if len(texts) < len(_CHANGING):
            return None
        period = _period(texts["begin"], texts["end"])
        limit = self._budgets.max_text_chars
        report_id = clean(texts["report_id"], limit + 1)
        return (report_id, *period) if period and 0 < len(report_id) <= limit else None


@lru_cache(maxsize=1 << 10)
def _period(begin: str, end: str) -> tuple[datetime, datetime] | None:
    """The period of these texts; None where they need a note. One day's reports have few."""
    moments = read_epoch(begin), read_epoch(end)
    if moments[0] is None or moments[1] is None or not is_plausible(moments[0], moments[1]):
        return None
    return moments[0], moments[1]


def _is_cut(gaps: Gaps, found: tuple[Place, ...]) -> bool:
    cut = {
        name: [number for number, gap in enumerate(gaps[:-1]) if gap.endswith(f"<{name}")]
        for name in _CHANGING
    }
    return all(numbers == [number_of(_CHANGING[name], found)] for name, numbers in cut.items())
