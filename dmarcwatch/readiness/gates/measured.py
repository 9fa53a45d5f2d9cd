"""What a gate answers: a value beside its limit, what was found in words, and whom it concerns."""

from collections.abc import Callable
from typing import NamedTuple

from dmarcwatch.readiness.view import View
from dmarcwatch.verdict import Blocker, Gate, Kind


class Measured(NamedTuple):
    """The answer of one gate for one policy."""

    value: float | None
    threshold: float | None
    ok: bool
    found: str
    """What was found, one sentence for a person."""
    at_least: bool = False
    blockers: tuple[Blocker, ...] = ()
    """The streams it concerns; empty where it is about the domain as a whole."""
    warnings: tuple[Blocker, ...] = ()
    """What deserves a look though it does not close the gate; it turns `keep` into `watch`."""
    notices: tuple[Blocker, ...] = ()
    """What is worth telling and changes nothing."""
    days: int | None = None
    """Days until time alone opens a closed gate; None where it does not, or nobody can say."""
    messages: int | None = None
    kind: Kind | None = None
    """Where the gate is of another kind for this policy."""


class Question(NamedTuple):
    """One gate: its public id, its kind, why it is asked, and how it is measured."""

    gate: str
    kind: Kind
    why: str
    ask: Callable[[View], Measured | None]
    """None where the gate does not apply to the policy or the domain."""


def at_least(value: float, threshold: float, found: str, *, days: int | None = None) -> Measured:
    """A value that has to reach its limit."""
    return Measured(value, threshold, value >= threshold, found, at_least=True, days=days)


def at_most(value: float, threshold: float, found: str, *, days: int | None = None) -> Measured:
    """A value that must not pass its limit."""
    return Measured(value, threshold, value <= threshold, found, days=days)


def none_open(blockers: tuple[Blocker, ...], found: str) -> Measured:
    """A gate that counts what stands open."""
    return Measured(len(blockers), 0, not blockers, found, blockers=blockers)


class Finding(NamedTuple):
    """A gate as asked and answered."""

    gate: Gate
    blockers: tuple[Blocker, ...]
    """Why it is closed, at least one where it is."""
    warnings: tuple[Blocker, ...]
    notices: tuple[Blocker, ...]


def answer(question: Question, view: View) -> Finding | None:
    """Ask one gate of one policy; None where it does not apply."""
    measured = question.ask(view)
    if measured is None:
        return None
    kind = measured.kind or question.kind
    gate = Gate(
        question.gate,
        view.target,
        kind,
        measured.value,
        measured.threshold,
        measured.ok,
        measured.found,
        measured.at_least,
        question.why,
        measured.days,
    )
    blockers = () if measured.ok else measured.blockers or (_as_blocker(gate, measured.messages),)
    return Finding(gate, blockers, measured.warnings, measured.notices)


def _as_blocker(gate: Gate, messages: int | None) -> Blocker:
    return Blocker(gate.gate, gate.kind, gate.found, None, gate.value, gate.threshold, messages)


def percent(share: float) -> str:
    """A share as people write it; small ones keep a digit that says something."""
    digits = f"{share * 100:.1f}" if abs(share) >= 0.1 else f"{share * 100:.2g}"
    return f"{digits.removesuffix('.0')}%"
