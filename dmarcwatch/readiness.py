"""Stream days -> gates -> Verdict: may the domain enforce its policy without losing its own mail?"""

from datetime import date

from dmarcwatch.decision import Decision, ask, decide_monitoring
from dmarcwatch.gates import Finding
from dmarcwatch.gates.evidence import widest_gap
from dmarcwatch.history import NOTHING_DECLARED, Declared, History, PoolDay
from dmarcwatch.snapshot import Asked, Fix, Snapshot
from dmarcwatch.streams import Stream
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dmarcwatch.timeline import Timeline
from dmarcwatch.toll import Toll
from dmarcwatch.verdict import Because, Evidence, Harm, Target, Verdict
from dmarcwatch.view import View

__all__ = ["Declared", "Fix", "History", "Judge", "PoolDay", "Thresholds", "Verdict", "judge", "no_fix"]


def no_fix(stream: Stream, state: str) -> tuple[str, ...]:
    """No advice: for replays that nobody reads."""
    return ()


def judge(
    history: History,
    *,
    as_of: date,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    declared: Declared = NOTHING_DECLARED,
    fix: Fix = no_fix,
) -> Verdict:
    """The verdict on a domain as of a day, from what had been received by that day."""
    return Judge(history, thresholds=thresholds, declared=declared, fix=fix).at(as_of)


class Judge:
    """One domain's history, indexed once and judged as of many days.

    Days that follow each other cost least; going back reads the history anew.
    """

    def __init__(
        self,
        history: History,
        *,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        declared: Declared = NOTHING_DECLARED,
        fix: Fix = no_fix,
    ) -> None:
        self._timeline = Timeline(history)
        self._thresholds = thresholds
        self._declared = declared
        self._fix = fix

    def at(self, as_of: date) -> Verdict:
        """The verdict as of a day."""
        asked = Asked(as_of, self._thresholds, self._declared, self._fix)
        snapshot = Snapshot(self._timeline, asked)
        view = View(snapshot, Target.QUARANTINE)
        findings = ask(view)
        return _verdict(view, findings, decide_monitoring(findings))


def _verdict(view: View, findings: tuple[Finding, ...], decision: Decision) -> Verdict:
    snapshot = view.snapshot
    return Verdict(
        domain=snapshot.timeline.history.domain,
        as_of=snapshot.as_of,
        verdict=decision.answer,
        because=decision.because,
        published=snapshot.published,
        target=view.target,
        evidence=_evidence(view),
        quarantine=_harm(view.toll),
        reject=_harm(view.toll),
        window=(date.fromordinal(view.first), date.fromordinal(view.last)),
        blockers=decision.blockers,
        warnings=decision.warnings,
        gates=tuple(finding.gate for finding in findings),
        days_needed=_days_needed(findings, decision),
    )


def _harm(toll: Toll) -> Harm:
    return Harm(toll.legitimate, toll.unknown, toll.forwarded, toll.spoof)


def _days_needed(findings: tuple[Finding, ...], decision: Decision) -> int | None:
    if decision.because is not Because.EVIDENCE:
        return None
    gates = [finding.gate for finding in findings if not finding.gate.ok]
    days = [gate.days for gate in gates if gate.days is not None]
    return max(days, default=None) if len(days) == len(gates) else None


def _evidence(view: View) -> Evidence:
    timeline, domain = view.snapshot.timeline, view.domain
    last_day = max((day for day in timeline.days if day <= view.last), default=None)
    return Evidence(
        first_day=None if timeline.first is None else date.fromordinal(timeline.first),
        last_day=None if last_day is None else date.fromordinal(last_day),
        days_covered=len(view.covered_days),
        longest_gap_days=widest_gap(view)[0],
        reporters=len(view.reporters),
        reports=domain.reports,
        messages=view.evidence,
        unread_messages=domain.unread,
        rejects=timeline.history.rejects,
    )
