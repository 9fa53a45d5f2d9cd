"""Whether a world's reports could have told enough by a day: JUDGEMENT's evidence gates, asked of the truth.

It knows which mail is the domain's own, so it says when the evidence exists, not when it was found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.worlds_calendar import Draw
from bench.worlds_flows import Whose
from bench.worlds_receivers import Receiver
from bench.worlds_rollup import TRUSTED, Tally
from bench.worlds_truth import REPORT_DELAY_DAYS
from dmarcwatch.report import Grade

_WEEKS = 8
_EXPECTED_MESSAGES = 4.0
_THIN_SAMPLE = 10.0
_CORRELATION = 0.05
_RARE_DAYS = 8
_RARE_WINDOW = 62

Column = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the evidence gates ask for a target (JUDGEMENT 6)."""

    window: int
    history: int
    messages: int
    slow_history: int
    slow_messages: int
    turns: int
    unread: float
    thin: float
    quiet: int


ASKED = {
    "quarantine": Asked(30, 31, 100, 90, 30, 1, 0.02, 0.05, 14),
    "reject": Asked(60, 61, 200, 120, 60, 2, 0.005, 0.02, 30),
}


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Own mail in trusted reports, one entry a stream, day and reporter."""

    day: Column
    received: Column
    reporter: Column
    stream: Column
    messages: Column
    dkim: Column
    recovered: NDArray[np.bool_]
    weekday: Column
    turn: Column
    """For each replayed day: month turns (28th to 3rd) that were complete by then, counted from day 0."""

    def exists(self, day: int, target: str) -> bool:
        """Whether every evidence gate of `target` could be passed as of that day."""
        asked = ASKED[target]
        last = day - REPORT_DELAY_DAYS
        known = (self.received <= day) & (self.day <= last)
        if not known.any():
            return False
        first = int(self.day[known].min())
        window = known & (self.day > last - asked.window)
        return bool(
            day - first >= asked.history
            and self.turn[last] - self.turn[first] >= asked.turns
            and self._enough(known, window, day - first, asked)
            and self._reporters(window, day - first, asked)
            and self._readable(window, asked)
            and self._covered(known, last, asked)
            and self._quiet(known, last, asked)
            and self._thick(known, last, asked)
        )

    def _enough(
        self, known: NDArray[np.bool_], window: NDArray[np.bool_], history: int, asked: Asked
    ) -> bool:
        if self.messages[window].sum() >= asked.messages:
            return True
        return history >= asked.slow_history and int(self.messages[known].sum()) >= asked.slow_messages

    def _reporters(self, window: NDArray[np.bool_], history: int, asked: Asked) -> bool:
        number = len(np.unique(self.reporter[window]))
        messages = int(self.messages[window].sum())
        needed = 3 if messages / asked.window * 30 >= 300 else 2
        return number >= needed or (history >= 60 and messages >= 300)

    def _readable(self, window: NDArray[np.bool_], asked: Asked) -> bool:
        total = int(self.messages[window].sum())
        # A recovered report is doubtful as a whole, and a tenth of it is lost.
        return float(self.messages[window & self.recovered].sum()) * 1.1 <= asked.unread * total

    def _covered(self, known: NDArray[np.bool_], last: int, asked: Asked) -> bool:
        recent = known & (self.day > last - 7 * _WEEKS)
        weeks = min(_WEEKS, max(1.0, (last + 1) / 7))
        means = (
            np.bincount(self.weekday[self.day[recent]], weights=self.messages[recent], minlength=7) / weeks
        )
        days = np.arange(max(0, last - asked.window + 1), last + 1)
        expected = days[means[self.weekday[days]] >= _EXPECTED_MESSAGES]
        if len(expected) < 10:
            return True
        seen = np.unique(self.day[known & (self.day > last - asked.window)])
        gaps = np.diff(np.concatenate([[days[0] - 1], seen, [last + 1]])) - 1
        return len(np.intersect1d(expected, seen)) >= 0.9 * len(expected) and int(gaps.max()) <= 14

    def _quiet(self, known: NDArray[np.bool_], last: int, asked: Asked) -> bool:
        for stream in np.unique(self.stream[known]):
            mine = known & (self.stream == stream)
            begun = int(self.day[mine].min())
            if begun > last - asked.quiet:
                on_first = mine & (self.day == begun)
                if self.dkim[on_first].sum() < 0.98 * self.messages[on_first].sum():
                    return False
        return True

    def _thick(self, known: NDArray[np.bool_], last: int, asked: Asked) -> bool:
        thin = total = 0.0
        for stream in np.unique(self.stream[known]):
            mine = known & (self.stream == stream)
            recent = mine & (self.day > last - asked.window)
            if len(np.unique(self.day[recent])) < _RARE_DAYS:
                recent = mine & (self.day > last - _RARE_WINDOW)
            messages = (
                np.bincount(self.day[recent], weights=self.messages[recent]) if recent.any() else np.zeros(1)
            )
            sample = float(np.sum(messages / (1 + np.maximum(messages - 1, 0) * _CORRELATION)))
            thin += messages.sum() if sample < _THIN_SAMPLE else 0.0
            total += messages.sum()
        return bool(thin <= asked.thin * total)


def evidence_of(draw: Draw, tallies: Iterable[Tally], receivers: Sequence[Receiver]) -> Evidence:
    """Sum the own mail of trusted reports."""
    sums: dict[tuple[int, int, str], list[int]] = {}
    for tally in tallies:
        if tally.whose is Whose.OWN and receivers[tally.receiver].tier in TRUSTED:
            entry = sums.setdefault((tally.day, tally.receiver, tally.origin.name), [0, 0])
            entry[0] += tally.messages
            entry[1] += tally.messages * tally.auth.dkim
    names = {name: number for number, name in enumerate(sorted({name for _, _, name in sums}))}
    table = [
        (
            day,
            int(receivers[r].received[day]),
            r,
            names[name],
            *counts,
            receivers[r].grade(day) is Grade.RECOVERED,
        )
        for (day, r, name), counts in sums.items()
    ]
    day, received, reporter, stream, messages, dkim, recovered = np.array(table, np.int64).reshape(-1, 7).T
    weekday = np.array([each.weekday() for each in draw.dates])
    turn = np.cumsum([each.day == 4 for each in draw.dates])
    return Evidence(day, received, reporter, stream, messages, dkim, recovered.astype(bool), weekday, turn)
