"""Would one own sender's mail be lost, however small it is beside the rest?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from dmarcwatch import bounds
from dmarcwatch.readiness.faults import (
    RANDOM_STATE,
    is_bad,
    patience,
    state_fault,
    took_every_day,
    total_losses,
)
from dmarcwatch.readiness.gates.measured import Measured, none_open, percent
from dmarcwatch.readiness.gates.words import FAILING_STATES, since, state_words
from dmarcwatch.readiness.lacking import signing_fault, unsigned_state
from dmarcwatch.readiness.timeline import Track
from dmarcwatch.readiness.view import Judged, View
from dmarcwatch.ses import SesState
from dmarcwatch.streams import Legitimacy
from dmarcwatch.text import count
from dmarcwatch.thresholds import Thresholds
from dmarcwatch.verdict import Blocker, Kind, Target


def stream_failing(view: View) -> Measured:
    """Own streams that fail, however small they are beside the rest."""
    blockers = (_stream_blocker(view, judged) for judged in view.own)
    found = tuple(sorted(filter(None, blockers), key=lambda one: -(one.messages or 0)))
    words = f"senders of yours that fail: {len(found)}"
    return _past(view, none_open(found, words if found else "no sender of yours fails"))


def _stream_blocker(view: View, judged: Judged) -> Blocker | None:
    limits = view.limits
    if not judged.track.failing_days:
        return None
    share = bounds.share((bounds.Cell(c.messages, c.failing) for _, c in judged.cells), rho=limits.rho)
    limit = (limits.critical_share if judged.critical else limits.stream_share).at(view.target)
    days = [day for day, cell in judged.cells if cell.failing]
    sure = len(days) >= limits.stream_days or share.lower > limit
    several = share.failing > limits.stream_messages or _lost_again(share, days, limits)
    if several and share.point > limit and sure:
        text = f"{share.failing:,.0f} of {count(share.messages, 'message')} fail DMARC"
        return _blocker(view, judged, Harm(text, share.point, limit, round(share.failing)))
    latest = _lost_latest(view, judged)
    if latest:
        text = f"{count(latest, 'message')} of its latest day fail DMARC"
        return _blocker(view, judged, Harm(text, share.point, limit, latest))
    long_run = view.days_of(judged.track, view.last - 2 * limits.long_days + 1)
    lost = total_losses(long_run, last=view.last, limits=limits)
    if lost is None or lost.away >= patience(judged.track, lost, limits):
        return None
    if judged.since is not None and took_every_day(judged.track, lost, limits):
        return None
    failing = sum(cell.failing for _, cell in long_run)
    times, apart = count(len(lost.days), "day"), count(lost.largest_gap, "day")
    text = f"most of a day's mail failed on {times}, up to {apart} apart"
    return _blocker(view, judged, Harm(text, share.point, limit, failing))


def _lost_latest(view: View, judged: Judged) -> int:
    """Failing messages of a rare sender's latest day where most of it was lost, else 0.

    A monthly run that is lost is the only news of that sender; its earlier runs outvote it for months.
    """
    limits, days = view.limits, judged.cells
    if not days or len(view.days_of(judged.track, view.first)) >= limits.few_active_days:
        return 0
    cell = days[-1][1]
    lost = cell.failing >= max(limits.bad_day_failures, limits.total_day_share * cell.messages)
    return cell.failing if lost else 0


def _lost_again(share: bounds.Share, days: list[int], limits: Thresholds) -> bool:
    """Whether most of the little that came was lost, and not on one day only: two of two are no chance."""
    lost = share.failing > limits.lost_messages and share.point >= limits.total_day_share
    return lost and len(days) >= limits.stream_days


class Harm(NamedTuple):
    """How an own stream fails: in words, as a share beside its limit, and in messages."""

    text: str
    share: float
    limit: float
    messages: int


def _blocker(view: View, judged: Judged, harm: Harm) -> Blocker:
    stream, state = judged.stream, _worst_state(view, judged)
    doubt = "; probably yours" if judged.standing.legitimacy is Legitimacy.SHADOW else ""
    message = f"{_named(judged.track)}: {harm.text}: {state_words(state)}{doubt}"
    fix = view.snapshot.fix(stream, state)
    numbers = (harm.share, harm.limit, harm.messages)
    return Blocker("stream-failing", Kind.RISK, message, stream.id, *numbers, fix)


def _worst_state(view: View, judged: Judged) -> str:
    sums: dict[str, int] = {}
    for _, cell in view.days_of(judged.track, view.last - view.limits.long_days + 1):
        for state, failing in cell.states.items():
            sums[state] = sums.get(state, 0) + failing
    return max(sums, key=lambda state: (sums[state], state), default="")


def state_failing(view: View) -> Measured:
    """Failing states inside own streams, however small: forgotten identities and monthly runs."""
    found = tuple(blocker for judged in view.own for blocker in _state_blockers(view, judged))
    words = f"{count(len(found), 'failing state')} inside your senders"
    ranked = tuple(sorted(found, key=lambda one: -(one.messages or 0)))
    return _past(view, none_open(ranked, words if found else "no sender of yours has a failing state"))


def _past(view: View, measured: Measured) -> Measured:
    """Faults that have not been seen for longer than a month: only time to prove that is missing.

    A monthly run would have shown them again, so nothing is known to be lost; but one that came back
    after weeks before may do so once more.
    """
    tracks, last = view.snapshot.timeline.tracks, view.last
    named = [tracks[blocker.stream] for blocker in measured.blockers if blocker.stream is not None]
    latest = max((day for track in named for day in track.failing_days if day <= last), default=last)
    if measured.ok or last - latest < view.limits.lone_run_days:
        return measured
    waiting = tuple(replace(blocker, kind=Kind.EVIDENCE) for blocker in measured.blockers)
    return measured._replace(blockers=waiting, kind=Kind.EVIDENCE)


def _state_blockers(view: View, judged: Judged) -> Iterator[Blocker]:
    limits, track = view.limits, judged.track
    cells = track.cells
    recent = view.last - limits.long_days
    failing = [day for day in track.failing_days if recent - limits.long_days < day <= view.last]
    for state in sorted({state for day in failing for state in cells[day].states} & FAILING_STATES):
        days = sorted(day for day in failing if state in cells[day].states)
        if state == RANDOM_STATE:
            days = _proving_days(view, judged, days)
        counted = [day for day in days if day > recent]
        messages = sum(cells[day].states[state] for day in counted)
        fault = state_fault(track, state, days, last=view.last, limits=limits)
        if fault is not None and messages > limits.state_messages:
            stream, fix = judged.stream, view.snapshot.fix(judged.stream, state)
            found = f"{count(messages, 'message')}{since(counted)}: {state_words(state)}"
            numbers = (messages, limits.state_messages, messages)
            yield Blocker("state-failing", Kind.RISK, f"{_named(track)}: {found}", stream.id, *numbers, fix)


def _proving_days(view: View, judged: Judged, days: list[int]) -> list[int]:
    """The days on which broken signatures prove a fault: bad ones, or all where even the others break much.

    Measured apart from the bad days, so that random breaks after a repair do not keep a fault open;
    and by the lower bound, so that four breaks among seven hundred messages are chance.
    """
    limits, cells, least = view.limits, judged.track.cells, view.limits.bad_day_failures
    bad = {day for day in days if is_bad(cells[day].messages, cells[day].states[RANDOM_STATE], least, limits)}
    long_run = view.days_of(judged.track, view.last - limits.long_days + 1)
    other = (
        bounds.Cell(cell.messages, cell.states.get(RANDOM_STATE, 0))
        for day, cell in long_run
        if day not in bad
    )
    if bounds.share(other, rho=limits.rho).lower > limits.random_break_share:
        return days
    return [day for day in days if day in bad]


def dkim(view: View) -> Measured:
    """Aligned DKIM of each owned stream; a warning before quarantine, a condition of reject."""
    limit = view.limits.dkim_share.at(view.target)
    kind = Kind.RISK if view.target is Target.REJECT else Kind.WARNING
    owned = [judged for judged in view.own if judged.standing.legitimacy is Legitimacy.OWNED]
    shares = [(judged, *_signed_share(judged)) for judged in owned]
    low = tuple(filter(None, (_unsigned(view, one, limit, kind) for one in shares)))
    worst = min((share for _, share, _ in shares), default=1.0)
    found = f"the least signed sender of yours has aligned DKIM on {percent(worst)}"
    return Measured(worst, limit, not low, found, at_least=True, blockers=low, kind=kind)


def _unsigned(view: View, found: tuple[Judged, float, int], limit: float, kind: Kind) -> Blocker | None:
    judged, share, unsigned = found
    stream = judged.stream
    if share >= limit or unsigned <= view.limits.dkim_messages:
        return None
    if view.target is Target.REJECT and not _is_surely_unsigned(view, judged, limit):
        return None
    state = unsigned_state(judged.track, judged.cells[0][0], judged.cells[-1][0])
    held = state in (SesState.SPF_ONLY, SesState.SPF_ONLY_DKIM_BROKEN)
    rest = (
        "the rest breaks whenever it is forwarded"
        if held
        else f"most of the rest fails: {state_words(state)}"
    )
    message = (
        f"{_named(judged.track)}: only {percent(share)} carries a passing DKIM signature of yours; {rest}"
    )
    fix = view.snapshot.fix(stream, signing_fault(view.snapshot, judged.track, state))
    return Blocker("dkim", kind, message, stream.id, share, limit, unsigned, fix)


def _is_surely_unsigned(view: View, judged: Judged, limit: float) -> bool:
    """Whether the lower bound says so too: five unsigned messages of a monthly run may be chance."""
    cells = (bounds.Cell(cell.evidence, cell.evidence - cell.dkim) for _, cell in judged.cells)
    return bounds.share(cells, rho=view.limits.rho).lower > 1.0 - limit


def _signed_share(judged: Judged) -> tuple[float, int]:
    """The share of messages with aligned DKIM, and how many lack it."""
    evidence = signed = 0
    for _, cell in judged.cells:
        evidence += cell.evidence
        signed += cell.dkim
    return (signed / evidence if evidence else 1.0), evidence - signed


def subdomains(view: View) -> Measured | None:
    """Subdomains without a policy of their own inherit p: their mail has to pass as well."""
    below = {judged.stream.id for judged in view.own if _is_below(judged.track)}
    spared = _spared(view)
    if not below and not spared:
        return None
    open_gates = (*stream_failing(view).blockers, *state_failing(view).blockers)
    closed = below & {blocker.stream for blocker in open_gates}
    failing = [judged.track for judged in view.own if judged.stream.id in closed]
    if not failing:
        return Measured(0, 0, True, "every subdomain's mail passes as well", notices=spared)
    found = f"{_names(failing)} would inherit the policy and mail from there fails"
    fix = ["publish sp=none together with the step: it leaves the subdomains as they are until they pass"]
    if view.snapshot.published.sp == "none" and view.snapshot.timeline.history.record is None:
        fix.append("if your record says sp=none already, write it into the configuration")
    blocker = Blocker("subdomains", Kind.RISK, found, None, len(failing), 0, None, tuple(fix))
    return Measured(len(failing), 0, False, found, blockers=(blocker,), notices=spared)


def _spared(view: View) -> tuple[Blocker, ...]:
    """Own subdomains that fail and that sp=none keeps out of it."""
    out = [track for track in view.snapshot.own if not view.reaches(track.stream.place)]
    failing = [track for track in out if any(cell.failing for _, cell in view.days_of(track, view.first))]
    if not failing:
        return ()
    message = f"mail from {_names(failing)} fails; only sp=none keeps it out of this"
    return (Blocker("subdomains", Kind.WARNING, message, None, len(failing), 0),)


def _named(track: Track) -> str:
    """The sender with its From domain, where that is a subdomain: another stream may have the same name."""
    return track.stream.name + (f" ({track.stream.place.header_from})" if _is_below(track) else "")


def _is_below(track: Track) -> bool:
    return track.stream.place.header_from != track.stream.place.policy_domain


def _names(tracks: list[Track]) -> str:
    return ", ".join(sorted({track.stream.place.header_from for track in tracks}))
