"""The verdict in words: the answer first, then what blocks it, what it rests on, what to publish."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from textwrap import wrap

from dmarcwatch.readiness.gates.measured import percent
from dmarcwatch.text import count
from dmarcwatch.verdict import Answer, Blocker, Gate, Harm, Kind, Published, Target, Tiers, Verdict

_COLOURS = {
    Answer.READY_FOR_QUARANTINE: "32",
    Answer.READY_FOR_REJECT: "32",
    Answer.KEEP: "32",
    Answer.WATCH: "33",
    Answer.CANNOT_TELL: "33",
    Answer.NOT_READY: "31",
    Answer.ROLL_BACK: "31",
}
_OWN_GATES = frozenset({"stream-failing", "state-failing", "regressed"})
_SHOWN = 6
"""Blockers a person reads before going to mend the first; the rest is counted."""

BLIND = (
    "mail refused at SPF -all before its content, receivers that send no reports (much of Microsoft 365 "
    "behind gateways), and what mailing lists do once you enforce"
)
"""What no evidence can show (dmarc.md 4.6)."""


def text(verdict: Verdict, *, width: int = 100, colour: bool = False) -> str:
    """What a person reads in ten seconds; ends with a newline."""
    first = headline(verdict)
    head = f"\x1b[1;{_COLOURS[verdict.verdict]}m{first}\x1b[0m" if colour else first
    lines = [head, *_body(verdict, width)]
    return "\n".join(lines) + "\n"


def explained(verdict: Verdict, *, width: int = 100, colour: bool = False) -> str:
    """The same with every gate: value, limit, margin and why it is asked."""
    lines = [text(verdict, width=width, colour=colour)]
    for target in Target:
        gates = [gate for gate in verdict.gates if gate.target is target]
        if gates:
            lines.append(f"Gates of p={target}, {_span(*verdict.window)}")
            lines += [line for gate in gates for line in _gate(gate, width)]
            lines.append("")
    return "\n".join(lines)


def table(verdicts: Sequence[Verdict]) -> str:
    """One line a domain, in the order given."""
    rows = [("DOMAIN", "PUBLISHED", "VERDICT", "WHY"), *(_row(verdict) for verdict in verdicts)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (
        "  ".join(cell.ljust(wide) for cell, wide in zip(row, (*widths, 0), strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def headline(verdict: Verdict) -> str:
    """The answer and its main reason in one sentence."""
    domain, here = verdict.domain, f"p={verdict.published.p or 'none'}"
    if verdict.target is Target.QUARANTINE and verdict.published.p == "quarantine":
        domain = f"{domain} (staged: {_held(verdict.published)})"
    match verdict.verdict:
        case Answer.NOT_READY:
            return f"{domain} is NOT ready for p={verdict.target}: {_main_reason(verdict)}."
        case Answer.CANNOT_TELL:
            return f"{domain}: cannot tell yet whether p={verdict.target} is safe: {_gap(verdict)}."
        case Answer.READY_FOR_QUARANTINE | Answer.READY_FOR_REJECT:
            return f"{domain} is ready for p={verdict.target}."
        case Answer.ROLL_BACK:
            return f"{domain} must step back from {here}: {_main_reason(verdict)}."
        case Answer.WATCH:
            return f"{domain}: keep {here} and watch: {_main_reason(verdict)}."
        case Answer.KEEP:
            return f"{domain} is safe at {here}: keep it."


def _held(published: Published) -> str:
    """The policy of the staged rung with what holds it back."""
    held = ["p=quarantine"]
    if published.t:
        held.append("t=y")
    if published.pct is not None and published.pct < 100:
        held.append(f"pct={published.pct}")
    return "; ".join(held)


def _main_reason(verdict: Verdict) -> str:
    """The worst thing that stands, in a few words."""
    risks = [blocker for blocker in verdict.blockers if blocker.kind is Kind.RISK]
    own = {blocker.stream for blocker in risks if blocker.gate in _OWN_GATES}
    if verdict.verdict is Answer.WATCH and verdict.because is None:
        return verdict.warnings[0].message
    if own:
        return f"{count(len(own), 'sender')} that {'is' if len(own) == 1 else 'are'} yours {_fail(len(own))}"
    unknown = [blocker for blocker in risks if blocker.gate == "unknown-persistent"]
    if unknown:
        return f"{count(len(unknown), 'unknown sender')} {_fail(len(unknown))} again and again, say whose"
    rest = [*risks, *verdict.warnings, *verdict.blockers]
    return rest[0].message if rest else "see below"


def _fail(number: int) -> str:
    return "fails" if number == 1 else "fail"


def _gap(verdict: Verdict) -> str:
    if not verdict.evidence.first_day:
        return "no trusted report has arrived"
    if verdict.days_needed is not None:
        return f"{count(verdict.days_needed, 'more day')} of reports are needed"
    return "too little is known"


def _body(verdict: Verdict, width: int) -> Iterator[str]:
    risks = tuple(blocker for blocker in verdict.blockers if blocker.kind is Kind.RISK)
    gaps = tuple(blocker for blocker in verdict.blockers if blocker.kind is Kind.EVIDENCE)
    ahead = verdict.verdict in (Answer.KEEP, Answer.WATCH)
    yield from _listed("Before p=reject" if ahead else "Mend first", _once_a_stream(risks), width)
    yield from _listed("Not known enough", gaps, width)
    yield from _listed("Also", verdict.warnings, width)
    yield ""
    yield from _paragraph("Seen", _seen(verdict), width)
    yield from _paragraph("Rests on", _rests_on(verdict.tiers), width)
    yield from _paragraph("Not seen", BLIND, width)
    if verdict.days_needed is not None:
        yield from _paragraph("Enough", _when(verdict), width)
    yield from _publish(verdict, width)
    yield from _ask(verdict.questions, width)


def _once_a_stream(risks: Sequence[Blocker]) -> tuple[Blocker, ...]:
    """One entry for each stream, its worst; several gates say the same of it in other words."""
    kept: dict[str, Blocker] = {}
    for blocker in risks:
        kept.setdefault(blocker.stream or f"gate {blocker.gate}", blocker)
    return tuple(kept.values())


def _listed(title: str, blockers: Sequence[Blocker], width: int) -> Iterator[str]:
    if not blockers:
        return
    yield ""
    yield f"{title}:"
    for number, blocker in enumerate(blockers[:_SHOWN], start=1):
        yield from wrap(blocker.message, width, initial_indent=f"{number:3}. ", subsequent_indent=" " * 5)
        # Fixes are commands and records: they stay on one line, however long, to be copied.
        yield from (f"       {line}" for line in blocker.fix)
    if len(blockers) > _SHOWN:
        yield f"     and {len(blockers) - _SHOWN} more (--json has them all)"


def _paragraph(title: str, words: str, width: int) -> Iterator[str]:
    indent = " " * (len(title) + 2)
    yield from wrap(words, width, initial_indent=f"{title}: ", subsequent_indent=indent)


def _seen(verdict: Verdict) -> str:
    seen, harm = verdict.evidence, verdict.quarantine
    if verdict.target is Target.REJECT:
        harm = verdict.reject
    unread = f", {count(seen.unread_messages, 'message')} unread" if seen.unread_messages else ""
    return (
        f"{count(seen.messages, 'message')} of your own in {count(seen.reports, 'report')} of "
        f"{count(seen.reporters, 'organisation')}, {_span(*verdict.window)}{unread}. "
        f"p={verdict.target} would have hit {_harm_words(harm)}."
    )


def _rests_on(tiers: Tiers) -> str:
    """How far the reports are trusted; no word on those that are not where there is none."""
    others = tiers.consistent + tiers.unverified
    beside = (
        f"; beside them {tiers.consistent:,} of unknown reporters and {tiers.unverified:,} unverified, "
        "which decide nothing"
    )
    words = f"{count(tiers.verified, 'verified report')} and {tiers.local:,} from files you named"
    return f"{words}{beside if others else ''}."


def _harm_words(harm: Harm) -> str:
    return (
        f"{harm.legitimate:,} of your own, {harm.unknown:,} of unknown senders, "
        f"{harm.forwarded:,} forwarded and {harm.spoof:,} spoofed"
    )


def _when(verdict: Verdict) -> str:
    day = verdict.as_of + timedelta(days=verdict.days_needed or 0)
    return f"in {count(verdict.days_needed or 0, 'day')}, on {_day(day)}, if reports keep coming as they do"


def _publish(verdict: Verdict, width: int) -> Iterator[str]:
    if verdict.next_tags is None:
        return
    yield ""
    yield f"Publish: {verdict.next_record or verdict.next_tags}"
    for note in verdict.notes:
        # A note may end in a command, whose names have hyphens.
        yield from wrap(note, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)


def _ask(questions: Sequence[str], width: int) -> Iterator[str]:
    if questions:
        yield ""
        yield "To answer once:"
    for question in questions:
        yield from wrap(question, width, initial_indent="  - ", subsequent_indent="    ")


def _gate(gate: Gate, width: int) -> Iterator[str]:
    mark = "ok  " if gate.ok else "OPEN" if gate.kind is Kind.WARNING else "SHUT"
    yield f"  {mark} {gate.gate:<18} {_value(gate)}"
    yield from wrap(f"{gate.found}; {gate.why}", width, initial_indent=" " * 7, subsequent_indent=" " * 7)


def _value(gate: Gate) -> str:
    if gate.value is None or gate.threshold is None or gate.margin is None:
        return "-" if gate.value is None else _number(gate.value)
    sign = ">=" if gate.at_least else "<="
    return f"{_number(gate.value)} {sign} {_number(gate.threshold)}, margin {_number(gate.margin)}"


def _number(value: float) -> str:
    """Shares are floats and shown in percent; days, messages and things are whole."""
    return percent(value) if isinstance(value, float) else f"{value:,}"


def _row(verdict: Verdict) -> tuple[str, str, str, str]:
    published = f"p={verdict.published.p}" if verdict.published.p else "-"
    worst = next(iter((*verdict.blockers, *verdict.warnings)), None)
    why = (
        worst.message if worst else f"{count(verdict.evidence.messages, 'message')} of your own, none at risk"
    )
    return verdict.domain, published, str(verdict.verdict), why


def _span(first: date, last: date) -> str:
    start = f"{first.day} {first:%B}" if first.year == last.year else _day(first)
    return f"{start} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
