"""What is behind each wrong answer of a calibration: the fault or the gate, world by world and in counts.

A rule is improved by what it costs and what it finds, and both are counted here in domain-days: a
wrong "ready" by the fault that was there, a wrong "not ready" or "cannot tell" by the blocker, with
the truth about the stream it names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from bench.calibrate_score import DayResult, Said, Wrong
from bench.worlds import World
from bench.worlds_truth import State
from dmarcwatch.verdict import Kind, Target, Verdict

_SHOWN_WORLDS = 6


def wrong_answers(world: World, days: Sequence[tuple[DayResult, Verdict]]) -> tuple[Wrong, ...]:
    """All reasons for wrong answers in a world, most days first."""
    found: dict[tuple[Said, str, str], list[tuple[int, bool, str]]] = defaultdict(list)
    for result, verdict in days:
        reasons = list(_reasons(world, result, verdict))
        for said, why, about, detail in reasons:
            found[said, why, about].append((result.day, len(reasons) == 1, detail))
    wrong = (
        Wrong(*key, tuple(day for day, _, _ in seen), sum(alone for _, alone, _ in seen), seen[0][2])
        for key, seen in found.items()
    )
    return tuple(sorted(wrong, key=lambda one: -len(one.days)))


def _reasons(world: World, result: DayResult, verdict: Verdict) -> Iterator[tuple[Said, str, str, str]]:
    if result.said is Said.READY and result.state is State.UNSAFE:
        kind = result.cause.rpartition(": ")[2].rstrip("-0123456789")
        lost = f"loses {result.lost:.2%}, {result.lost_messages:,.0f} messages"
        yield result.said, kind, result.cause, f"{lost}; {_margins(verdict, result.target)}"
    if not result.asked or result.said is Said.READY:
        return
    kind_of_gate = Kind.RISK if result.said is Said.RISK else Kind.EVIDENCE
    seen = set()
    for blocker in verdict.blockers:
        whose = _whose(world, blocker.stream)
        if blocker.kind is kind_of_gate and (blocker.gate, blocker.stream) not in seen:
            seen.add((blocker.gate, blocker.stream))
            yield result.said, f"{blocker.gate} ({whose})", blocker.stream or "", blocker.message


def _margins(verdict: Verdict, target: str) -> str:
    """The risk gates that measure something above nothing, beside their limits."""
    gates = (gate for gate in verdict.gates if gate.target is Target(target) and gate.kind is Kind.RISK)
    words = [
        f"{gate.gate} {gate.value:.4g} of {gate.threshold:g}"
        for gate in gates
        if gate.value and gate.threshold
    ]
    return ", ".join(words) or "no gate measures anything"


def _whose(world: World, stream: str | None) -> str:
    """The truth about a stream; a place that is still in the pool has no stream of its own."""
    return "domain" if stream is None else str(world.whose.get(stream, "pooled"))


def print_wrong(worlds: Iterable[tuple[str, Sequence[Wrong]]]) -> None:
    """The counts by reason, most days first, then each world's reasons."""
    rows = [(name, wrong) for name, reasons in worlds for wrong in reasons]
    for said, title in (
        (Said.READY, "wrong ready, by fault"),
        (Said.RISK, "wrong risk, by gate"),
        (Said.EVIDENCE, "wrong cannot-tell, by gate"),
    ):
        _print_group(title, [(name, wrong) for name, wrong in rows if wrong.said is said])


def _print_group(title: str, rows: Sequence[tuple[str, Wrong]]) -> None:
    days: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    worlds: dict[str, Counter[str]] = defaultdict(Counter)
    for name, wrong in rows:
        days[wrong.why] += len(wrong.days)
        alone[wrong.why] += wrong.alone
        worlds[wrong.why][name] += len(wrong.days)
    print(f"\n{title} (days, of these alone, worlds)")
    for why, number in days.most_common():
        named = ", ".join(f"{name} {n}" for name, n in worlds[why].most_common(_SHOWN_WORLDS))
        print(f"  {number:6} {alone[why]:6} {len(worlds[why]):4}  {why}: {named}")
    for name, wrong in rows:
        span = f"day {wrong.days[0]} to {wrong.days[-1]} ({len(wrong.days)}, alone {wrong.alone})"
        print(f"    {name} {span} {wrong.why} {wrong.about}: {wrong.detail}")
