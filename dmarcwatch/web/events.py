"""What happened to a domain, for the time axis: policy changes, new senders, lost alignment, silence."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from dmarcwatch.web.charts import Event
from dmarcwatch.web.queries import Row
from dmarcwatch.web.words import verdict_word

MAX_EVENTS = 12
"""More marks than this cannot be read beside each other."""
SILENT_DAYS = 7
"""A week holds every weekday, so that no weekend looks like silence."""
REGULAR_REPORTS = 10
"""Reports that make a reporter a regular one."""
STEADY_DAYS = 5
"""Active days on each side of a change before it is called one."""


class Note(NamedTuple):
    """What was found of a stream over time (`streams.notes`)."""

    word: str
    since: str
    message: str


def read_notes(text: str | None) -> tuple[Note, ...]:
    """The notes of a stream; none where it was not judged."""
    found = json.loads(text) if text else ()
    return tuple(Note(each["word"], each["since"], each["message"]) for each in found)


class DayOfStream(NamedTuple):
    """One active day of a stream: its direct messages and how many aligned."""

    day: str
    messages: int
    dkim: int
    spf: int


def policy_changes(rows: Iterable[Row]) -> tuple[Event, ...]:
    """Days on which most reports showed another policy than the last time that tag was shown.

    Tags that a reporter leaves out count as their defaults (RFC 9989 section 4.7), because reporters
    differ in what they state; `np` and `t` only where somebody states them, as most cannot.
    """
    votes: dict[str, dict[str, Counter[str]]] = {}
    for day, p, sp, np, pct, t, adkim, aspf, reports in rows:
        stated = {"p": p or "none", "sp": sp or p or "none", "adkim": adkim or "r", "aspf": aspf or "r"}
        stated["pct"] = str(100 if pct is None else pct)
        stated |= {"np": np} if np else {}
        stated |= {"t": "y" if t else "n"} if t is not None else {}
        for tag, value in stated.items():
            votes.setdefault(day, {}).setdefault(tag, Counter())[value] += reports
    found, last = [], dict[str, str]()
    for day, tags in sorted(votes.items()):
        now = {tag: counter.most_common(1)[0][0] for tag, counter in tags.items()}
        changed = "; ".join(f"{tag}={value}" for tag, value in now.items() if last.get(tag, value) != value)
        if changed:
            found.append(Event(day, "policy", f"Policy is now {changed}"))
        last |= now
    return tuple(found)


def new_senders(streams: Iterable[tuple[str, str | None]], since: str) -> tuple[Event, ...]:
    """Streams (name, first seen) that were first seen after `since`, the domain's own first day."""
    return tuple(
        Event(first, "sender", f"First mail from {name}")
        for name, first in streams
        if first and first > since
    )


_CHANGES = frozenset({"mail-from-fallback", "own-dkim-vanished", "dkim-method-switch"})
"""Findings that say on which day alignment changed."""


def alignment_changes(name: str, notes: Sequence[Note], days: Sequence[DayOfStream]) -> tuple[Event, ...]:
    """When a stream stopped to align: as its notes say, or as its days show where they say nothing."""
    noted = [note for note in notes if note.word in _CHANGES]
    if noted:
        return tuple(Event(note.since, "alignment", f"{name}: {note.message}") for note in noted)
    return _lost_alignment(name, days)


def _lost_alignment(name: str, days: Sequence[DayOfStream]) -> tuple[Event, ...]:
    """The last day on which a stream that aligned stopped to, by SPF (a fallback) or by DKIM."""
    spf = _drop([(each.day, each.spf / each.messages) for each in days if each.messages])
    dkim = _drop([(each.day, each.dkim / each.messages) for each in days if each.messages])
    found = []
    if spf:
        found.append(Event(spf, "alignment", f"{name}: own return path no longer used (fallback begins)"))
    if dkim:
        found.append(Event(dkim, "alignment", f"{name}: own DKIM signature no longer passes"))
    return tuple(found)


def _drop(shares: Sequence[tuple[str, float]]) -> str | None:
    """The last day from which shares stay low after they were high."""
    for index in range(len(shares) - STEADY_DAYS, STEADY_DAYS - 1, -1):
        before = [share for _, share in shares[index - STEADY_DAYS : index]]
        after = [share for _, share in shares[index : index + STEADY_DAYS]]
        if min(before) > 0.5 and max(after) < 0.1:
            return shares[index][0]
    return None


def silences(days: Sequence[str], last: date) -> tuple[Event, ...]:
    """Stretches of a week or more without any report, up to `last`."""
    marks = [date.fromisoformat(day) for day in sorted(days)]
    if not marks:
        return ()
    found = []
    for before, after in pairwise([*marks, last]):
        gap = (after - before).days - 1
        if gap >= SILENT_DAYS:
            text = f"No reports for {gap} days"
            found.append(Event((before + timedelta(days=1)).isoformat(), "silence", text))
    return tuple(found)


def silent_reporters(rows: Iterable[Row], first: date, last: date) -> tuple[Event, ...]:
    """Reporters (name, first day, last day, reports) that were regular and have stopped since `first`."""
    found = []
    for name, begun, ended, reports, *_ in rows:
        stopped, regular = date.fromisoformat(ended), reports >= REGULAR_REPORTS
        if regular and first <= stopped < last - timedelta(days=SILENT_DAYS) and begun != ended:
            day = (stopped + timedelta(days=1)).isoformat()
            found.append(Event(day, "silence", f"No more reports from {name}"))
    return tuple(found)


def verdict_changes(rows: Iterable[Row]) -> tuple[Event, ...]:
    """Days from which the verdict was another one."""
    given = [(as_of, verdict) for as_of, verdict in rows]
    return tuple(
        Event(day, "verdict", f"Verdict: {verdict_word(after).text.lower()}")
        for (_, before), (day, after) in pairwise(given)
        if before != after
    )


def timeline(*groups: Sequence[Event]) -> tuple[Event, ...]:
    """All events by day; of very many, those of the rarer kinds first, and a word on the rest."""
    rarest = sorted(groups, key=len)
    kept = [event for group in rarest for event in group][:MAX_EVENTS]
    left = sum(map(len, groups)) - len(kept)
    ordered = sorted(kept, key=lambda event: event.day)
    if left and ordered:
        ordered.append(Event(ordered[-1].day, "more", f"and {left} more"))
    return tuple(ordered)
