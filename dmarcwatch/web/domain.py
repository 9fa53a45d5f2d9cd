"""Domain: the verdict with what stands behind it, and who sends as the domain."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dmarcwatch.web import queries, queries_inbox
from dmarcwatch.web.charts import Chart, Event, Series, Window, stacked, window_to
from dmarcwatch.web.events import (
    DayOfStream,
    Note,
    alignment_changes,
    new_senders,
    policy_changes,
    read_notes,
    silences,
    silent_reporters,
    timeline,
    verdict_changes,
)
from dmarcwatch.web.given import Given, given
from dmarcwatch.web.words import Word, legitimacy_word, state_word

RANGES = (30, 90, 365)
"""Days a page can show."""
STREAMS_SHOWN = 50
JUDGED_DAYS = 30
OWN = ("owned", "shadow")


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One stream of the domain."""

    id: str
    name: str
    header_from: str
    legitimacy: str | None
    state: str | None
    messages: int
    """In the days shown."""
    passed: int
    first_seen: str | None
    last_seen: str | None
    notes: tuple[Note, ...]

    @property
    def whose(self) -> Word:
        """Its legitimacy in words."""
        return legitimacy_word(self.legitimacy)

    @property
    def state_word(self) -> Word:
        """Its main state in words."""
        return state_word(self.state)


class Day(NamedTuple):
    """One stream on one day; all but the last three of mail that came directly."""

    day: str
    messages: int
    passed: int
    failing: int
    dkim: int
    spf: int
    all_messages: int
    all_failing: int
    all_passed: int


Traffic = Mapping[int, Sequence[Day]]
"""Days by stream."""


@dataclass(frozen=True, slots=True)
class DomainPage:
    """All of the page but the what-if."""

    domain: str
    given: Given | None
    window: Window
    days: int
    last_day: str | None
    by_outcome: Chart
    by_stream: Chart
    streams: tuple[StreamLine, ...]
    streams_all: int
    untrusted: int
    """Messages of the days shown that do not count, for want of trust in their reports."""
    messages: int
    today: date
    traffic: Traffic
    """What the charts are made of, for the what-if."""

    @property
    def judged(self) -> Window:
        """The days of the verdict, or the last thirty shown where there is none."""
        if self.given and self.given.first_day and self.given.last_day:
            return Window(date.fromisoformat(self.given.first_day), date.fromisoformat(self.given.last_day))
        return window_to(self.window.last, JUDGED_DAYS)


def domain_page(connection: sqlite3.Connection, name: str, today: date, *, days: int) -> DomainPage | None:
    """The page of a domain; None if no report and no verdict speaks of it."""
    first, last = queries.days_known(connection, name)
    row = queries.verdict(connection, name)
    if last is None and row is None:
        return None
    window = shown(last, today, days)
    lines, traffic = _streams(connection, name, window)
    events = _events(connection, name, window, (first, lines, traffic))
    return DomainPage(
        domain=name,
        given=given(row) if row else None,
        window=window,
        days=days,
        last_day=last,
        by_outcome=_by_outcome(window, lines, traffic, events),
        by_stream=_by_stream(window, lines, traffic, events),
        streams=tuple(lines.values())[:STREAMS_SHOWN],
        streams_all=len(lines),
        untrusted=queries.untrusted(connection, name, window.span),
        messages=sum(line.messages for line in lines.values()),
        today=today,
        traffic=traffic,
    )


def shown(last: str | None, today: date, days: int) -> Window:
    """The days to show: up to today, or up to the last report where that is long ago."""
    newest = date.fromisoformat(last) if last else today
    return window_to(newest if (today - newest).days >= days or newest > today else today, days)


def _streams(
    connection: sqlite3.Connection, name: str, window: Window
) -> tuple[dict[int, StreamLine], Traffic]:
    """The streams by key, largest in the window first, and their days."""
    traffic: dict[int, list[Day]] = defaultdict(list)
    for key, row in queries.traffic(connection, name, window.span):
        traffic[key].append(Day(*row))
    lines = {row[0]: _line(row, traffic.get(row[0], [])) for row in queries.streams(connection, name)}
    ranked = sorted(lines.items(), key=lambda each: (-each[1].messages, each[1].id))
    return dict(ranked), traffic


def _line(row: queries.Row, days: Sequence[Day]) -> StreamLine:
    _, identity, _, header_from, _, _, name, legitimacy, _, state, first, last, _, _, notes, _ = row
    return StreamLine(
        id=identity,
        name=name,
        header_from=header_from,
        legitimacy=legitimacy,
        state=state,
        messages=sum(day.all_messages for day in days),
        passed=sum(day.all_passed for day in days),
        first_seen=first,
        last_seen=last,
        notes=read_notes(notes),
    )


OUTCOMES = (
    ("own-pass", "Yours, passes"),
    ("own-fail", "Yours, fails"),
    ("unknown", "Unknown, fails"),
    ("forwarded", "Forwarded"),
    ("spoof", "Not yours, fails"),
    ("other", "Neither passed nor failed, or not yours and passed"),
)


def _by_outcome(
    window: Window, lines: dict[int, StreamLine], traffic: Traffic, events: tuple[Event, ...]
) -> Chart:
    sums: dict[str, dict[str, int]] = {kind: defaultdict(int) for kind, _ in OUTCOMES}
    for key, days in traffic.items():
        for day in days:
            for kind, messages in outcomes(day, lines[key].legitimacy):
                sums[kind][day.day] += messages
    series = tuple(
        Series(name, kind, tuple(sums[kind].get(day, 0) for day in window.days))
        for kind, name in OUTCOMES
        if sums[kind]
    )
    title = "Messages per day by outcome"
    return Chart("outcome", title, window.days, series, events)


def outcomes(day: Day, legitimacy: str | None) -> tuple[tuple[str, int], ...]:
    """A stream's messages of a day by what became of them; together all of them."""
    if legitimacy == "forwarded":
        return (("forwarded", day.all_messages),)
    split: tuple[tuple[str, int], ...]
    if legitimacy in OWN:
        split = (("own-pass", day.passed), ("own-fail", day.failing))
    else:
        split = (("spoof" if legitimacy == "spoof" else "unknown", day.failing),)
    forwarded = ("forwarded", day.all_messages - day.messages)
    rest = ("other", day.messages - sum(messages for _, messages in split))
    return tuple(each for each in (*split, forwarded, rest) if each[1])


def _by_stream(
    window: Window, lines: dict[int, StreamLine], traffic: Traffic, events: tuple[Event, ...]
) -> Chart:
    named = []
    for key, line in lines.items():
        daily: dict[str, float] = defaultdict(float)
        for day in traffic.get(key, ()):
            daily[day.day] += day.all_messages
        if daily:
            named.append((_title(line), daily))
    return Chart("stream", "Messages per day by sender", window.days, stacked(named, window.days), events)


def _title(line: StreamLine) -> str:
    return line.name if line.id.startswith(f"{line.header_from}/") else f"{line.name} ({line.header_from})"


Known = tuple[str | None, dict[int, StreamLine], Traffic]


def _events(connection: sqlite3.Connection, name: str, window: Window, known: Known) -> tuple[Event, ...]:
    first, lines, traffic = known
    span = window.span
    policies = list(queries.published_by_day(connection, name, span))
    own = {key: line for key, line in lines.items() if line.legitimacy in OWN or line.legitimacy == "unknown"}
    new = [(_title(line), line.first_seen) for line in own.values()]
    drops = tuple(
        event
        for key, line in own.items()
        for event in alignment_changes(_title(line), line.notes, _direct(traffic, key))
    )
    return timeline(
        policy_changes(policies),
        drops,
        silences([row[0] for row in policies], window.last),
        silent_reporters(queries_inbox.reporter_bounds(connection, name), window.first, window.last),
        verdict_changes(queries.verdicts_given(connection, name, span)),
        new_senders(new, max(first or span.first, span.first)),
    )


def _direct(traffic: Traffic, key: int) -> list[DayOfStream]:
    return [DayOfStream(day.day, day.messages, day.dkim, day.spf) for day in traffic.get(key, ())]
