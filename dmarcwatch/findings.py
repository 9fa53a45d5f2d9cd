"""What a stream's days show that no single record does: Amazon SES over time, and new streams.

The patterns are those of the AWS developer guide's failure modes: a MAIL FROM whose MX was lost, an
identity that overrides the domain's, a region that was forgotten, keys that vanished from DNS.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from dmarcwatch.senders import UNKNOWN
from dmarcwatch.ses import SES, SesState, is_easy_dkim_selector
from dmarcwatch.ses.history import (
    ALONE,
    BROKEN,
    CUSTOM_PATH,
    DEFAULT_PATH,
    SIGNED,
    UNSIGNED,
    Day,
    SesHistory,
    Siblings,
    ses_history,
)
from dmarcwatch.streams import PlaceKind, SelectorUse, Stream, StreamDay

WINDOW_DAYS = 30
"""How far back a pattern is looked for: the window of the first rung."""
QUIET_DAYS = 14
"""A mixture that was not seen for so long is over."""
TOKEN_DAYS = 90
"""How long a token counts as in use; SES rotates the three of an identity more rarely."""
TOKENS = 3
"""Easy DKIM tokens of one identity in one region."""
NEW_DAYS = 30
"""A stream is new this long: the longer of the two periods of gate `quiet`."""
KNOWN_DAYS = 14
"""What the domain was reported on before, or every stream of the first days would be new."""
MIXED_DAYS = 2
"""Days with both kinds of mail, before it is more than the day of a change."""

_NEARLY_ALL, _NEARLY_NONE = 0.9, 0.1
"""Day borders differ between reporters, so a change leaves some mail of the old kind behind."""


class Severity(StrEnum):
    """How much a finding asks for, least first."""

    INFO = "info"
    REVIEW = "review"
    """Somebody should look who it is."""
    WARNING = "warning"
    BLOCKER = "blocker"


class Finding(NamedTuple):
    """A pattern in a stream, while it lasts."""

    word: str
    """A word of DESIGN 3.3; `remedy` knows what to do about most."""
    since: date
    message: str
    severity: Severity


def findings(stream: Stream, days: Sequence[StreamDay], siblings: Siblings) -> tuple[Finding, ...]:
    """What the days of a stream show, the gravest first.

    `siblings` are the other streams of the policy domain, of all senders: a region is compared with the
    others, and a stream is new only beside older ones. All but `new-stream` is asked of Amazon SES alone.
    """
    found = [_new_stream(stream, siblings)]
    history = ses_history(stream, days, siblings) if stream.place.sender == SES else None
    if history is not None:
        found += [pattern(history) for pattern in _PATTERNS]
    order = list(Severity)
    known = [finding for finding in found if finding is not None]
    return tuple(sorted(known, key=lambda finding: (-order.index(finding.severity), finding.word)))


def _new_stream(stream: Stream, siblings: Siblings) -> Finding | None:
    """A named sender, or a region, that was not there before."""
    place = stream.place
    if place.sender == UNKNOWN or place.kind is PlaceKind.SCATTERED or not siblings:
        return None
    begun = min(other.first_seen for other, _ in siblings)
    last = max(stream.last_seen, *(other.last_seen for other, _ in siblings))
    if last - stream.first_seen >= timedelta(NEW_DAYS) or stream.first_seen - begun < timedelta(KNOWN_DAYS):
        return None
    message = f"{stream.name} was first seen on {stream.first_seen}: check who set it up"
    return Finding("new-stream", stream.first_seen, message, Severity.REVIEW)


def _mail_from_fallback(history: SesHistory) -> Finding | None:
    """A custom MAIL FROM until a day, only the default return path since."""
    days = [day for day in history.days if day.count(CUSTOM_PATH | DEFAULT_PATH)]
    shares = [day.count(CUSTOM_PATH) / day.count(CUSTOM_PATH | DEFAULT_PATH) for day in days]
    kept = max((number for number, share in enumerate(shares) if share > _NEARLY_NONE), default=-1)
    after = days[kept + 1 :]
    steady = sum(share >= _NEARLY_ALL for share in shares[: kept + 1])
    if len(after) < 2 or steady < 3:  # One odd day is no fallback, and one good day was no setup.
        return None
    unsigned = sum(day.count(ALONE) for day in after) * 2 > sum(day.count(DEFAULT_PATH) for day in after)
    message = f"no custom MAIL FROM since {after[0].day}: SES fell back to its own return path, and " + (
        "nothing aligns" if unsigned else "DKIM alone aligns"
    )
    severity = Severity.BLOCKER if unsigned else Severity.WARNING
    return Finding("mail-from-fallback", after[0].day, message, severity)


def _mail_from_mixed(history: SesHistory) -> Finding | None:
    """Custom and default return paths on the same days."""
    mixed = _mixed(history, CUSTOM_PATH, DEFAULT_PATH)
    if not mixed:
        return None
    message = "mail leaves with the custom MAIL FROM and without it on the same days"
    return Finding("mail-from-mixed", mixed[0].day, message, Severity.WARNING)


def _own_dkim_mixed(history: SesHistory) -> Finding | None:
    """Signed and unsigned mail on the same days."""
    mixed = _mixed(history, SIGNED, ALONE)
    if not mixed:
        return None
    messages = sum(day.count(ALONE) for day in mixed)
    message = f"{messages} messages were not signed by the domain on days on which others were"
    return Finding("own-dkim-mixed", mixed[0].day, message, Severity.BLOCKER)


def _mixed(history: SesHistory, states: Collection[SesState], others: Collection[SesState]) -> list[Day]:
    """The recent days on which one reporter shows both; none where it is over or was a single day."""
    days = [day for day in history.recent(WINDOW_DAYS) if day.mixes(states, others)]
    over = len(days) < MIXED_DAYS or history.last - days[-1].day >= timedelta(QUIET_DAYS)
    return [] if over else days


def _region_gap(history: SesHistory) -> Finding | None:
    """Less well set up here than in another region."""
    if not history.region_known:
        return None
    here = _way(history.recent(WINDOW_DAYS))
    since = history.last - timedelta(WINDOW_DAYS)
    better = [
        (way, other.place.name)
        for other, days in history.others
        if (way := _way([day for day in days if day.day > since])) is not None
    ]
    if here is None or not better or max(better)[0] <= here:
        return None
    way, region = max(better)
    lacks = "its DKIM signature" if here == 0 else "the custom MAIL FROM"
    message = f"{history.stream.place.name} lacks {lacks}, which {region} has"
    severity = Severity.BLOCKER if here == 0 else Severity.WARNING
    return Finding("region-gap", history.recent(WINDOW_DAYS)[0].day, message, severity)


def _way(days: Sequence[Day]) -> int | None:
    """How most mail leaves: 0 unsigned, 1 signed, 2 both aligned; None where nothing is clear."""
    counts = [sum(day.count(states) for day in days) for states in (ALONE, {SesState.DKIM_ONLY}, _BEST)]
    most = max(counts)
    return counts.index(most) if most and most * 2 > sum(counts) else None


_BEST = frozenset({SesState.BOTH_ALIGNED})


def _own_dkim_vanished(history: SesHistory) -> Finding | None:
    """The own signature broke, and then it was gone: SES stops signing where its key is missing in DNS."""
    signed = max((day.day for day in history.days if day.count(SIGNED)), default=date.min)
    gone = [day.day for day in history.days if day.day > signed and day.count(UNSIGNED)]
    if not gone:
        return None
    broken = [day.day for day in history.days if signed <= day.day <= gone[0] and day.count(BROKEN)]
    if not broken:
        return None
    broke = [use for use in history.stream.selectors if use.selector and use.failed]
    named = broke and not any(is_easy_dkim_selector(use.selector) for use in broke)
    lost = "the TXT of its key is gone" if named else "its CNAMEs are gone"
    message = f"the signature stopped verifying on {broken[0]} and is missing since {gone[0]}: {lost}"
    return Finding("own-dkim-vanished", gone[0], message, Severity.BLOCKER)


def _shared_selector(history: SesHistory) -> Finding | None:
    """One own selector in several regions."""
    if not history.region_known:
        return None
    ours = {use.selector: use for use in _passing(history.stream)}
    for other, _ in history.others:
        for use in _passing(other):
            if use.selector in ours:
                kind = (
                    "a replica of its keys" if is_easy_dkim_selector(use.selector) else "one key of your own"
                )
                message = (
                    f"selector {use.selector} signs here and in {other.place.name} ({kind}): "
                    "a change of it breaks both"
                )
                since = max(use.first_seen, ours[use.selector].first_seen)
                return Finding("shared-selector", since, message, Severity.INFO)
    return None


def _many_tokens(history: SesHistory) -> Finding | None:
    """More Easy DKIM tokens than one identity has."""
    since = history.last - timedelta(TOKEN_DAYS)
    streams = (history.stream, *(other for other, _ in history.others))
    used = [use for stream in streams for use in _passing(stream) if use.last_seen > since]
    for domain in sorted({use.domain for use in _passing(history.stream)}):
        first: dict[str, date] = {}
        for use in used:
            if use.domain == domain and is_easy_dkim_selector(use.selector):
                first[use.selector] = min(use.first_seen, first.get(use.selector, use.first_seen))
        if len(first) > TOKENS:
            message = (
                f"{len(first)} Easy DKIM tokens sign {domain}, of more than one region or account: "
                + ", ".join(sorted(first))
            )
            return Finding("many-tokens", sorted(first.values())[TOKENS], message, Severity.INFO)
    return None


def _dkim_method_switch(history: SesHistory) -> Finding | None:
    """From Easy DKIM to a key of one's own or back, with unsigned mail in between."""
    uses = _passing(history.stream)
    easy = [use for use in uses if is_easy_dkim_selector(use.selector)]
    named = [use for use in uses if not is_easy_dkim_selector(use.selector)]
    if not easy or not named:
        return None
    before, after = sorted((easy, named), key=lambda kind: max(use.last_seen for use in kind))
    stopped = max(use.last_seen for use in before)
    started = min(use.first_seen for use in after)
    gap = [day.day for day in history.days if stopped <= day.day <= started and day.count(UNSIGNED)]
    if started <= stopped or not gap or history.last - started >= timedelta(WINDOW_DAYS):
        return None
    message = f"mail left unsigned between {stopped} and {started}, while the signing method changed"
    return Finding("dkim-method-switch", gap[0], message, Severity.WARNING)


def _passing(stream: Stream) -> list[SelectorUse]:
    return [use for use in stream.selectors if use.selector and use.passed]


_PATTERNS: tuple[Callable[[SesHistory], Finding | None], ...] = (
    _mail_from_fallback,
    _mail_from_mixed,
    _own_dkim_mixed,
    _region_gap,
    _own_dkim_vanished,
    _shared_selector,
    _many_tokens,
    _dkim_method_switch,
)
