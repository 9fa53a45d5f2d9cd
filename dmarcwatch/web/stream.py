"""Stream: one thing somebody can fix, how it fared day by day, and what speaks for whose it is."""

import shlex
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dmarcwatch.check.operators import operator_of
from dmarcwatch.sightings import Operator
from dmarcwatch.web import queries
from dmarcwatch.web.blocking import Blocking
from dmarcwatch.web.charts import Chart, Series, Window, stacked
from dmarcwatch.web.domain import shown
from dmarcwatch.web.events import DayOfStream, Note, alignment_changes, read_notes, timeline
from dmarcwatch.web.examples import Example, newest_of_each_kind
from dmarcwatch.web.given import given
from dmarcwatch.web.words import Word, legitimacy_word, state_word, tier_word

ADDRESSES_SHOWN = 50
LABELS = (
    ("owned", "It is mine"),
    ("forwarder", "It forwards mail"),
    ("spoof", "It is not mine"),
    ("ignore", "Leave it out"),
)


class StripCell(NamedTuple):
    """One day of a state: its place and how much of the day's mail it was, 0..1."""

    x: int
    share: float
    messages: int
    day: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One state over the days shown."""

    word: Word
    cells: tuple[StripCell, ...]
    messages: int


class Address(NamedTuple):
    """One connecting address."""

    ip: str
    messages: int
    host: str | None
    """Its host name, where `dmarcwatch check` has looked it up."""
    operator: Operator


class Selector(NamedTuple):
    """One signature of the domain."""

    domain: str
    selector: str
    passed: int
    failed: int
    first: str
    last: str


class Reporter(NamedTuple):
    """Who reported on the stream."""

    name: str
    tier: Word
    messages: int
    passed: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Label:
    """What a person said of the stream."""

    word: str
    given: str
    expires: str
    critical: bool
    every: str | None
    note: str


@dataclass(frozen=True, slots=True)
class StreamPage:
    """All of the page."""

    id: str
    name: str
    domain: str
    header_from: str
    sender: str
    whose: Word
    because: str
    confidence: float | None
    notes: tuple[Note, ...]
    first_seen: str | None
    last_seen: str | None
    messages: int
    """In the days shown."""
    passed: int
    window: Window
    days: int
    states: Chart
    strips: tuple[Strip, ...]
    alignment: Chart
    addresses: tuple[Address, ...]
    selectors: tuple[Selector, ...]
    reporters: tuple[Reporter, ...]
    examples: tuple[Example, ...]
    blocking: tuple[Blocking, ...]
    """What the newest verdict holds against it, or finds worth a look."""
    label: Label | None
    commands: tuple[tuple[str, str, str], ...]
    """Word, what it says and the command that gives it."""
    today: date


def stream_page(
    connection: sqlite3.Connection, identity: str, today: date, *, days: int
) -> StreamPage | None:
    """The page of a stream; None if there is none of that id."""
    row = queries.stream(connection, identity)
    if row is None:
        return None
    key, _, domain, header_from, sender, _, name, legitimacy, because, *_, notes, confidence = row
    found = read_notes(notes)
    first, last = queries.stream_bounds(connection, key)
    window = shown(last, today, days)
    states = list(queries.stream_states(connection, key, window.span))
    label = queries.label(connection, identity, today.isoformat())
    return StreamPage(
        id=identity,
        name=name,
        domain=domain,
        header_from=header_from,
        sender=sender,
        whose=legitimacy_word(legitimacy),
        because=because or "",
        confidence=confidence,
        notes=found,
        first_seen=first,
        last_seen=last,
        messages=sum(row[3] for row in states),
        passed=sum(row[4] for row in states),
        window=window,
        days=days,
        states=_states(window, states),
        strips=_strips(window, states),
        alignment=_alignment((name, found), window, states),
        addresses=_addresses(connection, key),
        selectors=tuple(Selector(*row) for row in queries.stream_selectors(connection, key)),
        reporters=_reporters(connection, key, window),
        examples=newest_of_each_kind(connection, key),
        blocking=_blocking(connection, domain, identity),
        label=Label(label[0], label[1], label[2], bool(label[3]), label[4], label[5]) if label else None,
        commands=tuple((word, says, command(identity, word)) for word, says in LABELS),
        today=today,
    )


def _blocking(connection: sqlite3.Connection, domain: str, identity: str) -> tuple[Blocking, ...]:
    row = queries.verdict(connection, domain)
    said = given(row) if row else None
    found = (*said.blockers, *said.warnings) if said else ()
    return tuple(each for each in found if each.stream == identity)


def command(identity: str, word: str) -> str:
    """What to type to label a stream; ids hold what strangers wrote, so they are quoted for a shell."""
    return f"dmarcwatch label {shlex.quote(identity)} {word}"


def _by_state(states: Iterable[queries.Row]) -> dict[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(int))
    for day, state, forwarded, messages, *_ in states:
        sums[f"{state_word(state).text}{', forwarded' if forwarded else ''}"][day] += messages
    return sums


def _states(window: Window, states: Sequence[queries.Row]) -> Chart:
    series = stacked(list(_by_state(states).items()), window.days)
    return Chart("states", "Messages per day by state", window.days, series)


def _strips(window: Window, states: Sequence[queries.Row]) -> tuple[Strip, ...]:
    totals: dict[str, float] = defaultdict(int)
    for day, _, _, messages, *_ in states:
        totals[day] += messages
    tones = {
        f"{state_word(row[1]).text}{', forwarded' if row[2] else ''}": state_word(row[1]) for row in states
    }
    places = {day: index for index, day in enumerate(window.days)}
    strips = [
        Strip(
            tones[name]._replace(text=name),
            tuple(
                StripCell(places[day], round(messages / totals[day], 3), int(messages), day)
                for day, messages in sorted(daily.items())
                if messages
            ),
            int(sum(daily.values())),
        )
        for name, daily in _by_state(states).items()
    ]
    return tuple(sorted(strips, key=lambda strip: -strip.messages))


def _alignment(named: tuple[str, Sequence[Note]], window: Window, states: Sequence[queries.Row]) -> Chart:
    """Shares of what came directly: what forwarding breaks is nobody's fault."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for day, state, forwarded, *counts in states:
        if not forwarded and state != "altered":
            sums[day] = [a + b for a, b in zip(sums[day], counts, strict=True)]
    days = [DayOfStream(day, counts[0], counts[2], counts[3]) for day, counts in sorted(sums.items())]

    def line(index: int) -> tuple[float | None, ...]:
        return tuple(
            round(sums[day][index] / sums[day][0], 4) if day in sums and sums[day][0] else None
            for day in window.days
        )

    totals = [sum(counts) for counts in zip(*sums.values(), strict=True)] or [0, 0, 0, 0]

    def series(name: str, colour: str, index: int) -> Series:
        return Series(name, colour, line(index), totals[index] / totals[0] if totals[0] else None)

    lines = (
        series("Passes DMARC", "own-pass", 1),
        series("DKIM aligned", "c0", 2),
        series("SPF aligned", "c1", 3),
    )
    events = timeline(alignment_changes(*named, days))
    return Chart("alignment", "Share of direct mail that aligns", window.days, lines, events, shares=True)


def _addresses(connection: sqlite3.Connection, key: int) -> tuple[Address, ...]:
    rows = queries.stream_addresses(connection, key, ADDRESSES_SHOWN)
    return tuple(Address(ip, messages, host, operator_of(ip)) for ip, messages, host in rows)


def _reporters(connection: sqlite3.Connection, key: int, window: Window) -> tuple[Reporter, ...]:
    return tuple(
        Reporter(name, tier_word(tier), *rest)
        for name, tier, *rest in queries.stream_reporters(connection, key, window.span)
    )
