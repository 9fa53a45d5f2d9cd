"""From the gates to the answer: what the owner may do now (JUDGEMENT 6, decision)."""

from collections.abc import Sequence
from typing import NamedTuple

from dmarcwatch.gates import GATES, Finding, answer
from dmarcwatch.verdict import Answer, Because, Blocker, Kind
from dmarcwatch.view import View


class Decision(NamedTuple):
    """The answer and what stands behind it."""

    answer: Answer
    because: Because | None
    blockers: tuple[Blocker, ...]
    warnings: tuple[Blocker, ...]


def ask(view: View) -> tuple[Finding, ...]:
    """Every gate that applies to the policy."""
    found = (answer(question, view) for question in GATES)
    return tuple(finding for finding in found if finding is not None)


def closed(findings: Sequence[Finding], kind: Kind) -> tuple[Finding, ...]:
    """Those of one kind that did not pass."""
    return tuple(finding for finding in findings if finding.gate.kind is kind and not finding.gate.ok)


def decide_monitoring(findings: Sequence[Finding]) -> Decision:
    """Nothing is enforced yet: may the domain quarantine?"""
    risks, gaps = closed(findings, Kind.RISK), closed(findings, Kind.EVIDENCE)
    blockers = _blockers(risks) + _blockers(gaps)
    warnings = _warnings(findings)
    if risks:
        return Decision(Answer.NOT_READY, Because.RISK, blockers, warnings)
    if gaps:
        return Decision(Answer.CANNOT_TELL, Because.EVIDENCE, blockers, warnings)
    return Decision(Answer.READY_FOR_QUARANTINE, None, (), warnings)


def _blockers(findings: Sequence[Finding]) -> tuple[Blocker, ...]:
    return tuple(blocker for finding in findings for blocker in finding.blockers)


def _warnings(findings: Sequence[Finding]) -> tuple[Blocker, ...]:
    mild = tuple(warning for finding in findings for warning in finding.warnings)
    return _blockers(closed(findings, Kind.WARNING)) + mild
