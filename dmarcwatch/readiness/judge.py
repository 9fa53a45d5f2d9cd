"""Stream days -> gates -> Verdict: may the domain enforce its policy without losing its own mail?"""

from collections.abc import Mapping
from datetime import date

from dmarcwatch.history import NOTHING_DECLARED, Declared, History, PoolDay
from dmarcwatch.readiness.advice import advise
from dmarcwatch.readiness.decision import Decision, decide
from dmarcwatch.readiness.gates.evidence import widest_gap
from dmarcwatch.readiness.health import Condition, conditions
from dmarcwatch.readiness.legitimacy import Standing
from dmarcwatch.readiness.notices import notices, questions
from dmarcwatch.readiness.snapshot import Asked, Fix, Snapshot, no_fix
from dmarcwatch.readiness.timeline import Timeline
from dmarcwatch.readiness.toll import Toll
from dmarcwatch.readiness.view import View
from dmarcwatch.report import Tier
from dmarcwatch.streams import Label
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dmarcwatch.verdict import Because, Evidence, Harm, Kind, Tiers, Verdict

__all__ = ["Declared", "Fix", "History", "Judge", "PoolDay", "Thresholds", "Verdict", "judge", "no_fix"]


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

    def at(self, as_of: date, *, labels: Mapping[str, Label] | None = None) -> Verdict:
        """The verdict as of a day; `labels` (by stream id) were given after the history was read."""
        snapshot = self._snapshot(as_of, labels)
        return _verdict(snapshot, decide(snapshot))

    def standings(self, as_of: date) -> Mapping[str, Standing]:
        """Whose mail each stream is, as of a day, by its id."""
        return self._snapshot(as_of, None).standings

    def conditions(self, as_of: date) -> Mapping[str, tuple[Condition, ...]]:
        """The health of each stream, as of a day, by its id (the words are those of `findings`)."""
        snapshot = self._snapshot(as_of, None)
        return {
            name: conditions(track, snapshot.cadence(name), last=snapshot.last, limits=snapshot.limits)
            for name, track in snapshot.timeline.tracks.items()
        }

    def _snapshot(self, as_of: date, labels: Mapping[str, Label] | None) -> Snapshot:
        asked = Asked(as_of, self._thresholds, self._declared, self._fix, labels or {})
        return Snapshot(self._timeline, asked)


def _verdict(snapshot: Snapshot, decision: Decision) -> Verdict:
    view = decision.view
    advice = advise(decision.answer, snapshot)
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
        tiers=_tiers(snapshot),
        next_record=advice.record,
        next_tags=advice.tags,
        blockers=decision.blockers,
        warnings=decision.warnings + notices(view),
        gates=tuple(finding.gate for finding in decision.findings),
        days_needed=_days_needed(decision),
        questions=questions(view),
        notes=advice.notes,
    )


def _tiers(snapshot: Snapshot) -> Tiers:
    return Tiers(**{str(tier): snapshot.timeline.reports[tier] for tier in Tier})


def _harm(toll: Toll) -> Harm:
    return Harm(toll.legitimate, toll.unknown, toll.forwarded, toll.spoof)


def _days_needed(decision: Decision) -> int | None:
    """The longest of what each open evidence gate still asks for; None as soon as one cannot say."""
    target = decision.view.target
    asked = (found.gate for found in decision.findings if found.gate.target is target)
    gates = [gate for gate in asked if gate.kind is Kind.EVIDENCE and not gate.ok]
    if decision.because is not Because.EVIDENCE or not gates:
        return None
    days = [gate.days for gate in gates if gate.days is not None]
    return max(days, default=None) if len(days) == len(gates) else None


def _evidence(view: View) -> Evidence:
    timeline, domain = view.snapshot.timeline, view.domain
    return Evidence(
        first_day=None if timeline.first is None else date.fromordinal(timeline.first),
        last_day=view.snapshot.published.last_seen,
        days_covered=len(view.covered_days),
        longest_gap_days=widest_gap(view)[0],
        reporters=len(view.reporters),
        reports=domain.reports,
        messages=view.evidence,
        unread_messages=domain.unread,
        rejects=timeline.history.rejects,
    )
