"""What a chart shows, as numbers by day; the browser draws it from the table that stands behind it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from dmarcwatch.web.queries import Span

MAX_SERIES = 7
"""Colours that can still be told apart; what is smaller stands together."""


class Window(NamedTuple):
    """The days a page shows, both ends included."""

    first: date
    last: date

    @property
    def span(self) -> Span:
        """The same as text for SQL."""
        return Span(self.first.isoformat(), self.last.isoformat())

    @property
    def days(self) -> tuple[str, ...]:
        """Every day, oldest first."""
        return tuple(self._days())

    def _days(self) -> Iterator[str]:
        for ordinal in range(self.first.toordinal(), self.last.toordinal() + 1):
            yield date.fromordinal(ordinal).isoformat()


def window_to(last: date, days: int) -> Window:
    """The `days` days that end with `last`."""
    return Window(last - timedelta(days=days - 1), last)


@dataclass(frozen=True, slots=True)
class Series:
    """One line or band of a chart."""

    name: str
    colour: str
    """A class of pages.css."""
    values: tuple[float | None, ...]
    """One for each day; None where nothing was seen."""
    whole: float | None = None
    """Of shares: the share of all days together, which no sum of daily shares gives."""

    @property
    def total(self) -> float:
        """Sum over all days."""
        return sum(value for value in self.values if value is not None)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a day."""

    day: str
    kind: str
    """`policy`, `sender`, `alignment`, `silence` or `verdict`."""
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers by day, with what happened."""

    name: str
    """Unique on its page, for ids and links."""
    title: str
    days: tuple[str, ...]
    series: tuple[Series, ...]
    events: tuple[Event, ...] = ()
    shares: bool = False
    """Values are shares 0..1, drawn as lines; else counts, stacked."""

    @property
    def rows(self) -> Iterator[tuple[str, tuple[float | None, ...]]]:
        """Each day with its value of every series."""
        for index, day in enumerate(self.days):
            yield day, tuple(series.values[index] for series in self.series)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        values = [value for series in self.series for value in series.values if value is not None]
        # No message is nothing to draw; that none of many aligns is the worst there is to see.
        return not values if self.shares else not any(values)


Daily = Mapping[str, float]
"""Day to value."""


def stacked(named: Sequence[tuple[str, Daily]], days: Sequence[str]) -> tuple[Series, ...]:
    """Series of the largest, and one for all others together; names may repeat."""
    ranked = sorted(named, key=lambda each: -sum(each[1].values()))
    kept = ranked[:MAX_SERIES] if len(ranked) <= MAX_SERIES else ranked[: MAX_SERIES - 1]
    series = [
        Series(name, f"c{index}", tuple(daily.get(day, 0) for day in days))
        for index, (name, daily) in enumerate(kept)
    ]
    rest = ranked[len(kept) :]
    if rest:
        values = tuple(sum(daily.get(day, 0) for _, daily in rest) for day in days)
        series.append(Series(f"{len(rest)} others", "rest", values))
    return tuple(series)


def bars(values: Sequence[float]) -> str:
    """A small chart as the data of an SVG path: a bar one unit wide for each value, in a box 100 high.

    One path and not thirty rectangles, because a page holds a hundred such charts.
    """
    most = max(values, default=0)
    return "".join(
        f"M{index} 100V{round(100 - 100 * value / most, 1):g}h.8V100z"
        for index, value in enumerate(values)
        if value
    )
