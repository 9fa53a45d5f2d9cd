"""Senders that fail or have lost one of their two mechanisms: one condition for each, and the graver one.

Several gates and findings say the same of one broken sender in other words, on other days; whoever is
told wants to hear it once.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from dmarcwatch.alerts.values import Alert, Block, Condition, Domain, Kind, Note, Sender
from dmarcwatch.alerts.words import day, page
from dmarcwatch.findings import Severity
from dmarcwatch.ses.remedy import STEPS, Case
from dmarcwatch.text import count

FEW = 2
"""As many failing messages of a new sender prove nothing."""

_LOST = ("own-dkim-vanished", "mail-from-fallback", "region-gap")
"""Findings that say that a sender does not align as it did, or as its like do; the plainest first."""
_FAILING = ("stream-failing", "state-failing", "unknown-persistent")
"""Gates that say that a sender fails; the plainest first."""
_FAILS = "failing"
_WEAKER = "weaker"
"""It passes by one mechanism and has lost the other."""
_OWN = ("owned", "shadow")
_HALF = 0.5


def sender_conditions(domain: Domain) -> Iterator[Condition]:
    """At most one condition for each sender of the domain."""
    known = {sender.id for sender in domain.senders}
    for sender in domain.senders:
        blocks = [block for block in domain.blockers if block.stream == sender.id]
        lost = [block for block in domain.warnings if block.stream == sender.id and block.gate == "regressed"]
        yield from _of_sender(sender, (*blocks, *lost))
    # A network of the pool may ask for an answer before it is a stream of its own.
    for block in domain.blockers:
        if block.stream and block.stream not in known and block.gate in _FAILING:
            yield _condition(_FAILS, _pooled(domain, block))


def _of_sender(sender: Sender, blocks: Sequence[Block]) -> Iterator[Condition]:
    notes = _notes(sender)
    grave = [note for note in notes if note.severity == Severity.BLOCKER]
    failing = [block for gate in _FAILING for block in blocks if block.gate == gate]
    fallen = [block for block in blocks if block.gate == "regressed"]
    if grave or failing or (fallen and _fails_now(sender)):
        aligned = bool(grave) or bool(fallen) or sender.passed >= _HALF * sender.messages
        kind = Kind.STOPPED if aligned else Kind.NEW_SENDER
        yield _condition(_FAILS, _told(sender, kind, grave, [*fallen, *failing]))
    elif _is_new_and_fails(sender):
        yield _condition(_FAILS, _told(sender, Kind.NEW_SENDER, (), ()))
    elif notes or fallen:
        yield _condition(_WEAKER, _told(sender, Kind.STOPPED, notes, fallen))


def _notes(sender: Sender) -> list[Note]:
    """The findings that are told: a region that lacks only the MAIL FROM of others is no news."""
    if sender.legitimacy not in _OWN:
        return []
    found = [note for word in _LOST for note in sender.notes if note.word == word]
    return [note for note in found if note.word != "region-gap" or note.severity == Severity.BLOCKER]


def _fails_now(sender: Sender) -> bool:
    messages, passed = sender.recent
    return messages > 0 and passed < _HALF * messages


def _is_new_and_fails(sender: Sender) -> bool:
    failing = sender.messages - sender.passed
    new = any(note.word == "new-stream" for note in sender.notes)
    asks = sender.legitimacy in (*_OWN, "unknown")
    return new and asks and failing > FEW and failing >= _HALF * sender.messages


def _told(sender: Sender, kind: Kind, notes: Sequence[Note], blocks: Sequence[Block]) -> Alert:
    # Of several gates the first: the others say the same in other words.
    words = [note.message for note in notes] + [_without_name(sender, block.message) for block in blocks[:1]]
    failing = sender.messages - sender.passed
    whole = f"{failing:,} of {count(sender.messages, 'message')} fail DMARC"
    first = f"first seen on {day(date.fromisoformat(sender.first_seen))}"
    known = f"{first}, {whole} since then"
    fix = next((block.fix for block in blocks if block.fix), ())
    happened = words[0] if words else f"it sends as {sender.header_from} and fails, {first}"
    return Alert(
        kind=kind,
        subject=sender.id,
        title=f"{sender.header_from}: {sender.name} {_short(kind, notes, blocks)}",
        happened=_sentence(f"{sender.name}: {happened}"),
        evidence=tuple(_sentence(text) for text in (*words[1:], known)),
        fix=_steps(sender, notes) or fix or _ask(sender),
        page=page("stream", id=sender.id),
        command=f"dmarcwatch sources --stream {sender.id}",
    )


def _short(kind: Kind, notes: Sequence[Note], blocks: Sequence[Block]) -> str:
    if notes:
        return _SHORT[notes[0].word]
    if kind is Kind.NEW_SENDER:
        return "sends as you and fails"
    only = all(block.gate == "regressed" for block in blocks)
    return "has lost what it aligned by" if only else "no longer aligns"


_SHORT = {
    "own-dkim-vanished": "lost its DKIM key",
    "mail-from-fallback": "fell back to SES's own return path",
    "region-gap": "is not set up for DKIM",
}


def _without_name(sender: Sender, message: str) -> str:
    return message.removeprefix(f"{sender.name}: ").removeprefix(f"{sender.name} ({sender.header_from}): ")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _steps(sender: Sender, notes: Sequence[Note]) -> tuple[str, ...]:
    steps = STEPS.get(notes[0].word) if notes else None
    return steps(Case(sender.header_from, sender.place, sender.keys, sender.mail_from)) if steps else ()


def _ask(sender: Sender) -> tuple[str, ...]:
    return (
        f"If it is yours: dmarcwatch label {sender.id} owned",
        f"If it is not: dmarcwatch label {sender.id} spoof",
    )


def _pooled(domain: Domain, block: Block) -> Alert:
    return Alert(
        kind=Kind.NEW_SENDER,
        subject=block.stream or domain.name,
        title=f"{domain.name}: {block.message.partition(':')[0]} sends as you and fails",
        happened=_sentence(block.message),
        fix=block.fix,
        page=page("domain", name=domain.name),
        command=f"dmarcwatch verdict {domain.name}",
    )


def _condition(level: str, alert: Alert) -> Condition:
    return Condition(f"{level} {alert.subject}", alert)
