"""What changed: senders that fell or fell silent, and whether one reporter speaks for all."""

from collections.abc import Iterator

from dmarcwatch.readiness.gates.measured import Measured, none_open, percent
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.readiness.health import Fall, Mechanism, fallen, lost_spf, silent_days
from dmarcwatch.readiness.lacking import (
    failing_state,
    signing_fault,
    unaligned_path_fault,
    unsigned_state,
)
from dmarcwatch.readiness.view import Judged, View
from dmarcwatch.text import count
from dmarcwatch.verdict import Blocker, Kind


def regressed(view: View) -> Measured:
    """Own streams that passed and no longer do, read up to yesterday: a break must be seen at once."""
    found = ((judged, _fall(view, judged)) for judged in view.own)
    falls = tuple((judged, fall) for judged, fall in found if fall is not None)
    blockers = tuple(_fall_blocker(view, judged, fall) for judged, fall in falls)
    fell = {judged.stream.id for judged, _ in falls}
    warnings = tuple(_spf_warning(view, judged) for judged in view.own if _lost_only_spf(view, judged, fell))
    words = f"senders of yours that passed before and no longer do: {len(falls)}"
    return none_open(blockers, words if falls else "no sender of yours got worse")._replace(warnings=warnings)


def _fall(view: View, judged: Judged) -> Fall | None:
    today, limits = view.snapshot.as_of.toordinal(), view.limits
    watched = (Mechanism.DMARC, Mechanism.DKIM)
    falls = (fallen(judged.track, which, today=today, limits=limits) for which in watched)
    return next((fall for fall in falls if fall is not None), None)


def _fall_blocker(view: View, judged: Judged, fall: Fall) -> Blocker:
    what = "passed DMARC" if fall.mechanism is Mechanism.DMARC else "carried a passing DKIM signature"
    until = f"until shortly before {day_words(fall.seen)}, and no longer does"
    message = f"{judged.stream.name}: its mail {what} {until}"
    fix = view.snapshot.fix(judged.stream, _fallen_state(view, judged, fall))
    return Blocker("regressed", Kind.RISK, message, judged.stream.id, 1, 0, None, fix)


def _fallen_state(view: View, judged: Judged, fall: Fall) -> str:
    """What the mail is in since the fall: before it were other faults, or none."""
    since, today = fall.seen - view.limits.recent_days, view.snapshot.as_of.toordinal()
    if fall.mechanism is Mechanism.DMARC:
        return failing_state(judged.track, since, today)
    return signing_fault(view.snapshot, judged.track, unsigned_state(judged.track, since, today))


def _lost_only_spf(view: View, judged: Judged, fell: set[str]) -> bool:
    today = view.snapshot.as_of.toordinal()
    return judged.stream.id not in fell and lost_spf(judged.track, today=today, limits=view.limits)


def _spf_warning(view: View, judged: Judged) -> Blocker:
    message = f"{judged.stream.name}: SPF is no longer aligned; only its DKIM signature carries it"
    today = view.snapshot.as_of.toordinal()
    fault = unaligned_path_fault(judged.track, today - view.limits.recent_days, today)
    fix = view.snapshot.fix(judged.stream, fault)
    return Blocker("regressed", Kind.WARNING, message, judged.stream.id, fix=fix)


def silent(view: View) -> Measured:
    """Regular own senders that are gone: retired, or broken before they could fail."""
    gone = tuple(_silent(view))
    found = (
        f"{count(len(gone), 'regular sender')} fell silent"
        if gone
        else "every regular sender of yours still mails"
    )
    return none_open(gone, found)


def _silent(view: View) -> Iterator[Blocker]:
    snapshot = view.snapshot
    for track in snapshot.own:
        cadence = snapshot.cadence(track.stream.id)
        days = silent_days(track, cadence, last=view.last, limits=view.limits)
        if days is not None:
            name = track.stream.name
            message = f"{name} has been silent for {days} days: retired, or broken before it could fail"
            yield Blocker("silent", Kind.WARNING, message, track.stream.id, days, view.limits.silent_days)


def dominant_reporter(view: View) -> Measured | None:
    """One organisation that reports nearly all of the mail."""
    seen = view.reporters
    if not seen:
        return None
    name = max(seen, key=lambda reporter: (seen[reporter], reporter))
    value, limit = seen[name] / view.evidence, view.limits.dominant_share
    passed = view.evidence - seen[name] - sum(n for other, n in view.failed_by.items() if other != name)
    ok = value <= limit or passed >= view.limits.dominant_others
    return Measured(
        value, limit, ok, f"{name} reports {percent(value)} of your mail; the others saw {passed:,} pass"
    )
