"""From stream days and two verdicts to a digest. Only reports that count are counted (JUDGEMENT 5)."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from dmarcwatch.alerts.words import answer, in_days, short_day
from dmarcwatch.digest.values import (
    Digest,
    DomainDigest,
    Period,
    SenderLine,
    Spoofing,
    Step,
    Volume,
)
from dmarcwatch.findings import Finding
from dmarcwatch.history import History
from dmarcwatch.readiness.explain import headline
from dmarcwatch.report import Tier
from dmarcwatch.streams import Legitimacy, Stream, StreamDay
from dmarcwatch.verdict import Answer, Blocker, Kind, Verdict

WEEK_DAYS, MONTH_DAYS = 7, 30
"""A month is four weeks and two days, so that it can be compared with the one before."""
UNDERWAY_DAYS = 2
"""Reports of yesterday are still under way (JUDGEMENT 6)."""
_STEPS = 3
_LINES = 4
"""More lines than this are read where they are worked on, on the sender's page."""
_CHANGES = 6
_ATTENTION = (
    Answer.ROLL_BACK,
    Answer.NOT_READY,
    Answer.WATCH,
    Answer.CANNOT_TELL,
    Answer.READY_FOR_REJECT,
    Answer.READY_FOR_QUARANTINE,
    Answer.KEEP,
)
_TAG = re.compile(r"pct\b|[a-z]+=")
_TRUSTED = (Tier.LOCAL, Tier.VERIFIED)
_OWN = (Legitimacy.OWNED, Legitimacy.SHADOW)


def period_to(as_of: date, *, month: bool = False) -> Period:
    """The last whole week or month whose reports have come by the morning of `as_of`."""
    last = as_of - timedelta(days=UNDERWAY_DAYS)
    days = MONTH_DAYS if month else WEEK_DAYS
    return Period(last - timedelta(days=days - 1), last, "month" if month else "week")


def digest(domains: Iterable[DomainDigest], period: Period, as_of: date) -> Digest:
    """The domains in the order in which they need attention; much mail before little."""
    ordered = sorted(
        domains, key=lambda each: (_ATTENTION.index(each.verdict.verdict), -each.own.messages, each.domain)
    )
    return Digest(period, as_of, tuple(ordered))


class Judged(NamedTuple):
    """What was judged of a domain."""

    before: Verdict | None
    """At the end of the period before; None where nothing was known by then."""
    now: Verdict
    whose: Mapping[str, Legitimacy]
    """Whose mail each stream is, by its id."""
    findings: Mapping[str, Sequence[Finding]]
    """What the days of each stream show, by its id."""


def domain_digest(known: History, judged: Judged, period: Period) -> DomainDigest:
    """One domain in one period."""
    tally = _Tally(known.stream_days, period, judged.whose)
    senders = [_sender(stream, tally, period, judged) for stream in known.streams]
    shown = [sender for sender in senders if sender is not None and any(sender.volume)]
    return DomainDigest(
        domain=known.domain,
        verdict=judged.now,
        headline=headline(judged.now),
        changed=tuple(_changes(known.streams, judged, period))[:_CHANGES],
        steps=tuple(_steps(judged.now))[:_STEPS],
        own=_total(tally.volumes[stream] for stream in tally.own),
        own_passed=sum(tally.passed[stream] for stream in tally.own),
        senders=tuple(sorted(shown, key=lambda each: (-each.volume.messages, each.name))),
        forwarded=tally.forwarded,
        spoofing=tally.spoofing,
    )


class _Tally:
    """The stream days of a period and of the one before, counted once."""

    def __init__(self, days: Iterable[StreamDay], period: Period, whose: Mapping[str, Legitimacy]) -> None:
        self.volumes: dict[str, Volume] = defaultdict(Volume)
        self.passed: dict[str, int] = defaultdict(int)
        self.forwarded = Volume()
        self.spoofing = Spoofing(Volume(), 0, 0)
        before = period.before
        for day in days:
            if day.tier in _TRUSTED and (period.holds(day.day) or before.holds(day.day)):
                self._count(day, period.holds(day.day), whose.get(day.stream, Legitimacy.UNKNOWN))
        self.own = [stream for stream in self.volumes if whose.get(stream) in _OWN]

    def _count(self, day: StreamDay, present: bool, whose: Legitimacy) -> None:
        volume = Volume(day.messages, 0) if present else Volume(0, day.messages)
        if day.forwarded or whose is Legitimacy.FORWARDED:
            self.forwarded = _total((self.forwarded, volume))
        elif whose is Legitimacy.SPOOF:
            self._spoofed(day, present)
        else:
            self.volumes[day.stream] = _total((self.volumes[day.stream], volume))
            self.passed[day.stream] += day.dmarc_pass if present else 0

    def _spoofed(self, day: StreamDay, present: bool) -> None:
        failing = day.messages - day.dmarc_pass
        volume, quarantined, rejected = self.spoofing
        if not present:
            self.spoofing = Spoofing(_total((volume, Volume(0, failing))), quarantined, rejected)
            return
        self.spoofing = Spoofing(
            _total((volume, Volume(failing, 0))), quarantined + day.quarantined, rejected + day.rejected
        )


def _total(volumes: Iterable[Volume]) -> Volume:
    found = list(volumes)
    return Volume(sum(each.messages for each in found), sum(each.before for each in found))


def _sender(stream: Stream, tally: _Tally, period: Period, judged: Judged) -> SenderLine | None:
    if stream.id not in tally.volumes:
        return None
    header_from = stream.place.header_from
    return SenderLine(
        name=stream.name,
        header_from=None if header_from == stream.place.policy_domain else header_from,
        whose=judged.whose.get(stream.id, Legitimacy.UNKNOWN),
        volume=tally.volumes[stream.id],
        passed=tally.passed[stream.id],
        # In a domain's first days every sender is.
        new=judged.before is not None and period.holds(stream.first_seen),
    )


def _changes(streams: Sequence[Stream], judged: Judged, period: Period) -> Iterator[str]:
    """What is otherwise than before, in sentences; of one sender the plainest word alone."""
    before, now = judged.before, judged.now
    if before is not None and before.verdict is not now.verdict:
        was, is_now = (answer(each.verdict, each.target) for each in (before, now))
        yield f"The verdict was: {was}. It is now: {is_now}."
    news = {stream.id: told for stream in streams if (told := _news(stream, judged, period))}
    yield from news.values()
    if before is not None:
        yield from _came_and_went(_by_stream(before), _by_stream(now), told=news)


def _came_and_went(
    was: Mapping[str, Blocker], is_now: Mapping[str, Blocker], *, told: Collection[str]
) -> Iterator[str]:
    for name, blocker in is_now.items():
        if name not in was and name not in told:
            yield f"New: {blocker.message}."
    for name, blocker in was.items():
        if name not in is_now:
            yield f"Over: {blocker.message.partition(':')[0]} no longer stands in the way."


def _news(stream: Stream, judged: Judged, period: Period) -> str | None:
    """The gravest finding of the period on a sender that may be the domain's own."""
    if judged.whose.get(stream.id) not in (*_OWN, Legitimacy.UNKNOWN):
        return None
    finding = next((each for each in judged.findings.get(stream.id, ()) if period.holds(each.since)), None)
    if finding is None or finding.word in _STANDING:
        return None
    if finding.word == "new-stream":
        return f"New: first mail from {stream.name} on {short_day(finding.since)}."
    return f"{stream.name}: {finding.message}."


_STANDING = ("region-gap", "shared-selector", "many-tokens")
"""Findings whose day is that of what was looked at, or that call for nothing."""


def _by_stream(verdict: Verdict) -> dict[str, Blocker]:
    """The risks, one for each sender, its worst; several gates say the same of it."""
    found: dict[str, Blocker] = {}
    for blocker in verdict.blockers:
        if blocker.kind is Kind.RISK:
            found.setdefault(blocker.stream or blocker.gate, blocker)
    return found


def _steps(now: Verdict) -> Iterable[Step]:
    """What to mend, else what to publish, else how long to wait."""
    for blocker in _by_stream(now).values():
        lines = blocker.fix if len(blocker.fix) <= _LINES else ()
        yield Step(f"{blocker.message}.", lines=lines, stream=None if lines else blocker.stream)
    if now.next_tags:
        # A tag stays as it is written in DNS, also where a sentence begins with it.
        notes = tuple(f"{note if _TAG.match(note) else note[:1].upper() + note[1:]}." for note in now.notes)
        yield Step(f"Publish {now.next_record or now.next_tags}", notes=notes)
    elif now.days_needed is not None:
        yield Step(f"Wait: enough is known {in_days(now.days_needed, now.as_of)}, if reports keep coming.")
