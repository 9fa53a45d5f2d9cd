"""The verdict that was given on a domain, from its stored document, in the words of a page."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dmarcwatch.policy import Step, step_of
from dmarcwatch.text import count
from dmarcwatch.web.blocking import Blocking, grouped
from dmarcwatch.web.queries import Row
from dmarcwatch.web.words import GateWord, Word, gate_word, measure, tags, verdict_word


class Modes(NamedTuple):
    """Alignment of DKIM and of SPF, each `r` or `s`; relaxed is what an absent tag means."""

    adkim: str = "r"
    aspf: str = "r"


@dataclass(frozen=True, slots=True)
class GateRow:
    """A gate with its measured value and its limit."""

    word: GateWord
    kind: str
    """`evidence` (is enough known?), `risk` (would own mail be lost?) or `warning`."""
    ok: bool
    value: str
    limit: str
    found: str
    """What was found, in a sentence; empty where the verdict does not say."""


class Touched(NamedTuple):
    """Messages of the window that a policy would have touched, by whose they are."""

    policy: str
    legitimate: int
    unknown: int
    forwarded: int
    spoof: int


class Rung(NamedTuple):
    """One step of the ladder."""

    record: str
    meaning: str


LADDER: tuple[Rung, ...] = (
    Rung("p=none", "Watch: nothing is asked of receivers."),
    Rung("p=quarantine; t=y; pct=0", "14 days: lists rewrite From, nobody is quarantined."),
    Rung("p=quarantine", "31 days or more: failing mail goes to the spam folder."),
    Rung("p=reject; t=y", "Optional: newer receivers quarantine, older ones reject."),
    Rung("p=reject", "Failing mail is refused."),
)
"""JUDGEMENT 6, the ladder."""


_ANSWERED = re.compile(r"(?P<text>.*[?:]) (?:(?P<command>dmarcwatch .+)|(?P<setting>\w+ = .+))")


class Question(NamedTuple):
    """What only a person can tell, and how they tell it."""

    text: str
    command: str = ""
    """What to type."""
    setting: str = ""
    """What to write into the configuration, below the domain's name."""


@dataclass(frozen=True, slots=True)
class Given:
    """One verdict."""

    as_of: str
    given_at: str
    first_day: str | None
    last_day: str | None
    verdict: str
    headline: str
    because: str
    target: str
    modes: Modes
    """Alignment as reports last showed it."""
    published: str
    """Tags as reports last showed them; empty where none did."""
    seen: str | None
    rung: int | None
    """Index into `LADDER`; None where no policy was seen."""
    next_record: str | None
    next_tags: str | None
    blockers: tuple[Blocking, ...]
    warnings: tuple[Blocking, ...]
    gates: tuple[GateRow, ...]
    evidence: Mapping[str, Any]
    touched: tuple[Touched, ...]
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def word(self) -> Word:
        """The verdict's name and colour."""
        return verdict_word(self.verdict)

    def gates_of(self, kind: str) -> tuple[GateRow, ...]:
        """The gates of one kind, closed ones first."""
        return tuple(sorted((gate for gate in self.gates if gate.kind == kind), key=lambda gate: gate.ok))


def given(row: Row) -> Given:
    """The verdict of a row of `queries.verdict`. Missing parts of an older document are left out."""
    document: dict[str, Any] = json.loads(row[0])
    published = document.get("published") or {}
    target = str(document.get("target") or "")
    return Given(
        as_of=str(document.get("as_of")),
        given_at=row[3],
        first_day=row[1],
        last_day=row[2],
        verdict=document.get("verdict", ""),
        headline=document.get("headline") or verdict_word(document.get("verdict")).text,
        because=because(document),
        target=target,
        modes=Modes(published.get("adkim") or "r", published.get("aspf") or "r"),
        published=tags(published),
        seen=published.get("last_seen"),
        rung=rung(published),
        next_record=document.get("next_record"),
        next_tags=document.get("next_tags"),
        blockers=grouped(document.get("blockers", ())),
        warnings=grouped(document.get("warnings", ())),
        gates=tuple(
            _gate(each)
            for each in document.get("gates", ())
            if each.get("target", target) == target and "kind" in each
        ),
        evidence=document.get("evidence") or {},
        touched=tuple(_touched(f"p={policy}", harm) for policy, harm in _projection(document)),
        questions=tuple(map(question, document.get("questions", ()))),
        notes=tuple(document.get("notes", ())),
    )


def because(document: Mapping[str, Any]) -> str:
    """What stands behind the answer, in one sentence; empty where the headline says it all."""
    if document.get("because") == "risk":
        return "Mail of your own would be lost, or might be."
    if document.get("because") != "evidence":
        return ""
    days = document.get("days_needed")
    return (
        f"About {count(days, 'day')} more at this rate." if days else "Time alone does not tell when it will."
    )


def question(text: str) -> Question:
    """A question of a verdict, such as `Is it yours? dmarcwatch label STREAM owned`."""
    found = _ANSWERED.fullmatch(text)
    if found is None:
        return Question(text)
    return Question(found["text"], found["command"] or "", found["setting"] or "")


def rung(published: Mapping[str, Any]) -> int | None:
    """Where on `LADDER` a policy stands; None where none was seen."""
    if published.get("p") is None:
        return None
    step = step_of(published["p"], pct=published.get("pct"), testing=published.get("t"))
    if step is Step.QUARANTINE and published["p"] == "reject":
        return 3
    return {Step.MONITORING: 0, Step.STAGED: 1, Step.QUARANTINE: 2, Step.REJECT: 4}[step]


def _gate(each: Mapping[str, Any]) -> GateRow:
    word = gate_word(each["gate"])
    threshold, sign = each.get("threshold"), "≥" if each["at_least"] else "≤"
    limit = f"{sign} {measure(threshold, threshold, word.unit)}" if threshold is not None else ""
    return GateRow(
        word=word,
        kind=each["kind"],
        ok=bool(each["ok"]),
        value=measure(each.get("value"), threshold, word.unit),
        limit=limit,
        found=each.get("found", ""),
    )


def _projection(document: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, int]]]:
    projection = document.get("projection") or {}
    return [(policy, projection[policy]) for policy in ("quarantine", "reject") if projection.get(policy)]


def _touched(policy: str, harm: Mapping[str, int]) -> Touched:
    names = ("legitimate", "unknown", "forwarded", "spoof")
    return Touched(policy, *(harm.get(name, 0) for name in names))
