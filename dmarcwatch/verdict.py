"""The answer for one domain as values; `Verdict.as_dict` is the JSON of DESIGN 3.3."""

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """What the owner of the domain may do now (JUDGEMENT 6, decision)."""

    NOT_READY = "not-ready"
    READY_FOR_QUARANTINE = "ready-for-quarantine"
    READY_FOR_REJECT = "ready-for-reject"
    KEEP = "keep"
    WATCH = "watch"
    ROLL_BACK = "roll-back"
    CANNOT_TELL = "cannot-tell"

    @property
    def exit_status(self) -> int:
        """0 for ready, keep and watch; 1 for not ready and roll back; 3 for cannot tell (DESIGN 3.1)."""
        if self is Answer.CANNOT_TELL:
            return 3
        return 1 if self in (Answer.NOT_READY, Answer.ROLL_BACK) else 0


class Because(StrEnum):
    """What stands in the way: known harm, or too little known."""

    RISK = "risk"
    EVIDENCE = "evidence"


class Target(StrEnum):
    """The policy that is asked about; each has its own limits."""

    QUARANTINE = "quarantine"
    REJECT = "reject"


class Kind(StrEnum):
    """What a gate is about; only risk and evidence decide."""

    EVIDENCE = "evidence"
    RISK = "risk"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Gate:
    """One question asked of the domain, its measured value and its limit."""

    gate: str
    target: Target
    kind: Kind
    value: float | None
    """In the unit of `threshold`: a share 0..1, days, messages or a number; None where it does not apply."""
    threshold: float | None
    ok: bool
    found: str
    """What was found, in one sentence."""
    at_least: bool = False
    """True where the value has to reach the threshold, False where it must not pass it."""
    why: str = ""
    """Why the gate exists."""
    days: int | None = None
    """Days until time alone opens it at the present rate; None where time does not, or nobody can say."""

    @property
    def margin(self) -> float | None:
        """How far the value is on the good side of its limit; negative on the bad side."""
        if self.value is None or self.threshold is None:
            return None
        return self.value - self.threshold if self.at_least else self.threshold - self.value

    def as_dict(self) -> dict[str, Any]:
        """The object under `gates` in the JSON."""
        return {
            "gate": self.gate,
            "target": str(self.target),
            "value": self.value,
            "threshold": self.threshold,
            "ok": self.ok,
            "kind": str(self.kind),
            "at_least": self.at_least,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that has to change first, or that deserves a look, with what to do about it."""

    gate: str
    kind: Kind
    message: str
    """One sentence a person understands without this program's words."""
    stream: str | None = None
    """The stream's id; None where it is about the domain as a whole."""
    value: float | None = None
    threshold: float | None = None
    messages: int | None = None
    """Messages it is about, where it is about messages."""
    fix: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The object under `blockers` and `warnings` in the JSON."""
        return {
            "gate": self.gate,
            "stream": self.stream,
            "message": self.message,
            "value": self.value,
            "threshold": self.threshold,
            "messages": self.messages,
            "fix": list(self.fix),
        }


@dataclass(frozen=True, slots=True)
class Published:
    """The policy as trusted reports last showed it; None is "not stated"."""

    p: str | None = None
    sp: str | None = None
    np: str | None = None
    pct: int | None = None
    t: bool | None = None
    adkim: str | None = None
    aspf: str | None = None
    last_seen: date | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the answer rests on: trusted reports only; all but the first two are of the window."""

    first_day: date | None = None
    """First day that any report speaks of, over all time."""
    last_day: date | None = None
    """Last day that any report speaks of, up to the end of the window."""
    days_covered: int = 0
    """Days with at least one message of the domain's own."""
    longest_gap_days: int = 0
    """Most days in a row without one."""
    reporters: int = 0
    """Organisations that reported on the domain's own mail."""
    reports: int = 0
    messages: int = 0
    """The domain's own messages; spoofing supplies no evidence."""
    unread_messages: int = 0
    rejects: int = 0


@dataclass(frozen=True, slots=True)
class Tiers:
    """Reports received by how far they are trusted, over all time; the first two count (JUDGEMENT 5)."""

    local: int = 0
    """Of files that the user named."""
    verified: int = 0
    consistent: int = 0
    """Genuine, of reporters that nobody knows."""
    unverified: int = 0


@dataclass(frozen=True, slots=True)
class Harm:
    """Messages of the window that fail DMARC and would be touched by a policy, by whose they are."""

    legitimate: int = 0
    unknown: int = 0
    forwarded: int = 0
    spoof: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one domain as of one day, and all it rests on."""

    domain: str
    as_of: date
    verdict: Answer
    because: Because | None
    published: Published
    target: Target
    """The policy the gates were asked for; at `p=reject` that policy itself."""
    evidence: Evidence
    quarantine: Harm
    """What `p=quarantine` would have touched in the window."""
    reject: Harm
    """What `p=reject` would have touched in the window."""
    window: tuple[date, date]
    """First and last day judged."""
    tiers: Tiers = Tiers()
    next_record: str | None = None
    next_tags: str | None = None
    """The tags to change, such as `p=quarantine; t=y; pct=0`; None unless a step is advised."""
    blockers: tuple[Blocker, ...] = ()
    """Worst first."""
    warnings: tuple[Blocker, ...] = ()
    gates: tuple[Gate, ...] = ()
    days_needed: int | None = None
    """Days until the open evidence gates close at the present rate; None with risk, or if nobody can say."""
    questions: tuple[str, ...] = ()
    """What only the user can answer and has not."""
    notes: tuple[str, ...] = ()
    """Advice that goes with the answer, such as the date of the next rung."""

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of DESIGN 3.3."""
        return {
            "domain": self.domain,
            "as_of": self.as_of.isoformat(),
            "verdict": str(self.verdict),
            "because": None if self.because is None else str(self.because),
            "published": _plain(asdict(self.published)),
            "target": str(self.target),
            "next_record": self.next_record,
            "next_tags": self.next_tags,
            "blockers": [blocker.as_dict() for blocker in self.blockers],
            "warnings": [warning.as_dict() for warning in self.warnings],
            "gates": [gate.as_dict() for gate in self.gates],
            "evidence": _plain(asdict(self.evidence)),
            "tiers": asdict(self.tiers),
            "projection": {"quarantine": asdict(self.quarantine), "reject": asdict(self.reject)},
            "days_needed": self.days_needed,
            "questions": list(self.questions),
            "notes": list(self.notes),
        }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Days as ISO 8601 text, all else as it is."""
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items()}
