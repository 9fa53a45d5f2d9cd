"""From the gates to the answer: what the owner may do now (JUDGEMENT 6, decision)."""

from collections.abc import Sequence
from typing import NamedTuple

from dmarcwatch import bounds
from dmarcwatch.policy import Step
from dmarcwatch.readiness.gates import GATES, Finding, answer
from dmarcwatch.readiness.gates.measured import percent
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.readiness.lacking import failing_state
from dmarcwatch.readiness.snapshot import Snapshot
from dmarcwatch.readiness.view import Judged, View
from dmarcwatch.text import count
from dmarcwatch.verdict import Answer, Because, Blocker, Kind, Target


class Decision(NamedTuple):
    """The answer and what stands behind it."""

    answer: Answer
    because: Because | None
    view: View
    """The policy that was asked about."""
    findings: tuple[Finding, ...]
    """Every gate asked, those of the present rung first."""
    blockers: tuple[Blocker, ...] = ()
    warnings: tuple[Blocker, ...] = ()


def decide(snapshot: Snapshot) -> Decision:
    """Ask the gates that the present rung calls for and draw the conclusion."""
    step = snapshot.rung.step
    if snapshot.declared.no_mail and not _sends(snapshot):
        reject = View(snapshot, Target.REJECT)
        kept = step is Step.REJECT
        return Decision(Answer.KEEP if kept else Answer.READY_FOR_REJECT, None, reject, ())
    if step.enforcing:
        return _decide_enforcing(snapshot, step)
    return _decide_monitoring(View(snapshot, Target.QUARANTINE))


def _sends(snapshot: Snapshot) -> bool:
    return any(track.totals.passed for track in snapshot.own)


def _ask(view: View) -> tuple[Finding, ...]:
    found = (answer(question, view) for question in GATES)
    return tuple(finding for finding in found if finding is not None)


def _decide_monitoring(view: View) -> Decision:
    """Nothing is enforced yet: may the domain quarantine?"""
    findings = _ask(view)
    risks, gaps = _closed(findings, Kind.RISK), _closed(findings, Kind.EVIDENCE)
    warnings = (*_warnings(findings), *_notices(findings))
    if risks or gaps:
        verdict = Answer.NOT_READY if risks else Answer.CANNOT_TELL
        because = Because.RISK if risks else Because.EVIDENCE
        return Decision(verdict, because, view, findings, _ranked(risks) + gaps, warnings)
    return Decision(Answer.READY_FOR_QUARANTINE, None, view, findings, (), warnings)


def _decide_enforcing(snapshot: Snapshot, step: Step) -> Decision:
    """The policy is in force: is it safe, and may it become reject?"""
    view = View(snapshot, Target.REJECT)
    ahead = _ask(view)
    present, here = view, ahead
    if step is Step.QUARANTINE:
        present = View(snapshot, Target.QUARANTINE)
        here = _ask(present)
    findings = here if present is view else here + ahead
    risks, gaps = _closed(here, Kind.RISK), _closed(here, Kind.EVIDENCE)
    blockers = _ranked(_merged(risks, _closed(ahead, Kind.RISK))) + _closed(ahead, Kind.EVIDENCE)
    standing = (*_silence(snapshot), *_warnings(here), *gaps)
    warnings = (*standing, *_notices(here))
    harm = _harm_now(present)
    if harm:
        return Decision(Answer.ROLL_BACK, Because.RISK, view, findings, harm + blockers, warnings)
    if step is Step.QUARANTINE and not blockers:
        return Decision(Answer.READY_FOR_REJECT, None, view, findings, (), warnings)
    if risks or standing:
        because = Because.RISK if risks else Because.EVIDENCE if gaps else None
        return Decision(Answer.WATCH, because, view, findings, blockers, warnings)
    return Decision(Answer.KEEP, None, view, findings, blockers, warnings)


def _closed(findings: Sequence[Finding], kind: Kind) -> tuple[Blocker, ...]:
    wrong = (finding for finding in findings if finding.gate.kind is kind and not finding.gate.ok)
    return tuple(blocker for finding in wrong for blocker in finding.blockers)


def _warnings(findings: Sequence[Finding]) -> tuple[Blocker, ...]:
    mild = tuple(warning for finding in findings for warning in finding.warnings)
    return _closed(findings, Kind.WARNING) + mild


def _notices(findings: Sequence[Finding]) -> tuple[Blocker, ...]:
    return tuple(notice for finding in findings for notice in finding.notices)


def _merged(*groups: tuple[Blocker, ...]) -> tuple[Blocker, ...]:
    """All blockers, each gate and stream once: the present rung's word comes first."""
    kept: dict[tuple[str, str | None], Blocker] = {}
    for blocker in (blocker for group in groups for blocker in group):
        kept.setdefault((blocker.gate, blocker.stream), blocker)
    return tuple(kept.values())


def _ranked(risks: tuple[Blocker, ...]) -> tuple[Blocker, ...]:
    """Worst first: what can be mended by name, most messages first, then what it adds up to."""
    return tuple(sorted(risks, key=lambda risk: (risk.stream is None, -(risk.messages or 0))))


def _silence(snapshot: Snapshot) -> tuple[Blocker, ...]:
    """A warning where no report at all came for a working week and more."""
    limit = snapshot.limits.reports_silent_days
    latest = snapshot.published.last_seen
    if latest is None:
        return (
            Blocker("silent", Kind.WARNING, "no trusted report has ever arrived: nothing is being watched"),
        )
    days = range(latest.toordinal() + 1, snapshot.last + 1)
    silent = sum((day - 1) % 7 in snapshot.expected_weekdays for day in days)
    if silent < limit:
        return ()
    after = day_words(latest.toordinal())
    message = f"no report has spoken of any day after {after}: is the mailbox full, or rua= wrong?"
    return (Blocker("silent", Kind.WARNING, message, None, silent, limit),)


def _harm_now(view: View) -> tuple[Blocker, ...]:
    """What calls for a step back: own mail is being lost this week."""
    broken = tuple(_broken(view, judged) for judged in view.own if judged.critical)
    found = tuple(blocker for blocker in broken if blocker is not None)
    return found or _losing(view)


def _broken(view: View, judged: Judged) -> Blocker | None:
    share = _recent_share(view, (judged,))
    if share.sample < view.limits.broken_sample or share.point < view.limits.total_day_share:
        return None
    failed = round(share.failing)
    message = (
        f"{judged.stream.name} is critical and broken: {failed:,} of {share.messages:,.0f} failed this week"
    )
    state = failing_state(judged.track, view.last - view.limits.recent_days + 1, view.last)
    fix = view.snapshot.fix(judged.stream, state)
    limit = view.limits.total_day_share
    return Blocker("stream-failing", Kind.RISK, message, judged.stream.id, share.point, limit, failed, fix)


def _losing(view: View) -> tuple[Blocker, ...]:
    limits, share = view.limits, _recent_share(view, view.own)
    limit = limits.failing_share.at(view.target)
    days = {day for judged in view.own for day, cell in _recent(view, judged) if cell.failing}
    if (
        share.failing <= limits.roll_back_messages
        or len(days) < limits.roll_back_days
        or share.lower <= limit
    ):
        return ()
    failed = round(share.failing)
    message = (
        f"{count(failed, 'message')} of your own failed in the last {limits.recent_days} days, "
        f"surely more than {percent(limit)}: they are being lost"
    )
    return (Blocker("legit-failing", Kind.RISK, message, None, share.lower, limit, failed),)


def _recent(view: View, judged: Judged) -> list[tuple[int, bounds.Cell]]:
    days = view.days_of(judged.track, view.last - view.limits.recent_days + 1)
    return [(day, bounds.Cell(cell.messages, cell.failing)) for day, cell in days]


def _recent_share(view: View, own: Sequence[Judged]) -> bounds.Share:
    cells = (cell for judged in own for _, cell in _recent(view, judged))
    return bounds.share(cells, rho=view.limits.rho)
