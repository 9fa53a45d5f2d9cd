"""The days of one SES stream beside those of the other regions, for what shows only over time.

Only trusted reports and mail that came directly are in it. A reporter that leaves SPF out shows other
states than the rest, so days are kept by reporter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from dmarcwatch.classify.naming import UNKNOWN_REGION
from dmarcwatch.report import Tier
from dmarcwatch.ses.states import SES, SesState
from dmarcwatch.streams import Stream, StreamDay

Siblings = Sequence[tuple[Stream, Sequence[StreamDay]]]

# What a state says of the two legs. States that may come with either return path are in neither group.
CUSTOM_PATH = frozenset(
    {SesState.BOTH_ALIGNED, SesState.STRICT_ASPF, SesState.MAIL_FROM_SPF_BROKEN, SesState.SPF_ONLY}
)
DEFAULT_PATH = frozenset({SesState.DKIM_ONLY, SesState.AMAZONSES_ONLY})
SIGNED = frozenset(
    {SesState.BOTH_ALIGNED, SesState.DKIM_ONLY, SesState.NULL_RETURN_PATH, SesState.FOREIGN_RETURN_PATH}
)
UNSIGNED = frozenset({SesState.AMAZONSES_ONLY, SesState.SPF_ONLY})
BROKEN = frozenset({SesState.OWN_DKIM_BROKEN, SesState.SPF_ONLY_DKIM_BROKEN})
ALONE = frozenset({SesState.AMAZONSES_ONLY})

_TRUSTED = (Tier.LOCAL, Tier.VERIFIED)


class Day(NamedTuple):
    """One day of a stream."""

    day: date
    reports: tuple[Mapping[str, int], ...]
    """For each reporter: state -> messages."""

    def count(self, states: Iterable[str]) -> int:
        """Messages in these states."""
        return sum(counts.get(state, 0) for counts in self.reports for state in states)

    def mixes(self, states: Collection[str], others: Collection[str]) -> bool:
        """True if one reporter shows both."""
        return any(
            any(counts.get(state) for state in states) and any(counts.get(state) for state in others)
            for counts in self.reports
        )


@dataclass(frozen=True, slots=True)
class SesHistory:
    """A stream's days and those of the same From domain's SES mail in other regions."""

    stream: Stream
    days: tuple[Day, ...]
    """Oldest first."""
    others: tuple[tuple[Stream, tuple[Day, ...]], ...]
    last: date
    """The last day of any of them."""

    def recent(self, window_days: int) -> list[Day]:
        """The stream's own days of the last `window_days`."""
        since = self.last - timedelta(days=window_days)
        return [day for day in self.days if day.day > since]

    @property
    def region_known(self) -> bool:
        """False for the stream of reports that name no region: it is no place of its own."""
        return self.stream.place.name != UNKNOWN_REGION


def ses_history(stream: Stream, rows: Iterable[StreamDay], siblings: Siblings) -> SesHistory | None:
    """The history of an SES stream; None where no trusted report shows it."""
    days = _trusted(rows)
    if not days:
        return None
    others = tuple(
        (other, _trusted(rows))
        for other, rows in siblings
        if other.place.sender == SES
        and other.place.header_from == stream.place.header_from
        and other.place.name != UNKNOWN_REGION
    )
    last = max(each[-1].day for each in (days, *(each for _, each in others)) if each)
    return SesHistory(stream, days, others, last)


def _trusted(rows: Iterable[StreamDay]) -> tuple[Day, ...]:
    counts: dict[date, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row.tier in _TRUSTED and not row.forwarded and row.messages:
            of_reporter = counts[row.day][row.reporter]
            of_reporter[row.state] = of_reporter.get(row.state, 0) + row.messages
    return tuple(Day(day, tuple(counts[day].values())) for day in sorted(counts))
