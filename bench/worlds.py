"""Simulated domains with known truth, against which the verdict is calibrated.

A world is a kind and a seed: `build("payroll", 7)` is the same domain for ever. It holds roll-ups as
the store would have them (`stream_days`, `domain_days`, the pool) and, apart from them, the truth.
Nothing here knows how a verdict is reached.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from bench.worlds_calendar import Days, Draw
from bench.worlds_evidence import Evidence, evidence_of
from bench.worlds_faults import OWN_DKIM_BROKEN, Fault, from_day
from bench.worlds_flows import Flow, Origin, Sender, Sightings, Whose, flows_of
from bench.worlds_indirect import indirect_flows
from bench.worlds_rates import KINDS, Kind
from bench.worlds_receivers import Bug, Receiver, draw_receivers
from bench.worlds_rollup import Counts, Published, Streams, Tally, count, domain_rows, stream_rows, take_down
from bench.worlds_senders import REGIONS, draw_senders
from bench.worlds_signatures import SignatureDay, signature_days
from bench.worlds_strangers import draw_strangers
from bench.worlds_truth import Truth, find_truth
from dmarcwatch.history import PoolDay
from dmarcwatch.streams import DomainDay, StreamDay, stream_id

DOMAIN = "example.com"
_FIRST_START = date(2026, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One domain over time: what was reported, and what is true."""

    kind: str
    seed: int
    start: date
    days: int
    """Days replayed; day 0 is the first that reports tell of."""
    policy: str
    """`none`, `staged`, `quarantine` or `reject`."""
    no_mail_declared: bool
    origins: dict[str, Origin]
    """Of each stream's id."""
    signatures: tuple[SignatureDay, ...]
    """Own DKIM selectors seen in each stream."""
    stream_days: tuple[StreamDay, ...]
    domain_days: tuple[DomainDay, ...]
    pool: tuple[PoolDay, ...]
    whose: dict[str, Whose]
    """Of each stream's id: whose most of its mail is."""
    truth: Truth
    evidence: Evidence
    story: tuple[str, ...]
    """Senders, faults, strangers and reporters in words, for traces."""

    @property
    def name(self) -> str:
        """What `--world` takes to replay it."""
        return f"{self.kind}:{self.seed}"

    @property
    def target(self) -> str | None:
        """The step the domain could take: None at reject."""
        return {"none": "quarantine", "staged": "quarantine", "quarantine": "reject", "reject": None}[
            self.policy
        ]


def kind_of(number: int, seed: int) -> Kind:
    """The kind of the `number`-th world of a run: each kind as often as its weight says."""
    weights = np.array([kind.weight for kind in KINDS])
    rng = np.random.default_rng([seed, number])
    return KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))]


def build(kind: str, seed: int, *, days: int = 120) -> World:
    """The world of a kind and seed; raises KeyError for an unknown kind."""
    rates = {each.name: each for each in KINDS}[kind].rates
    rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    draw = Draw(
        rng=rng,
        rates=rates,
        domain=DOMAIN,
        start=_FIRST_START + timedelta(int(rng.integers(0, 365))),
        days=days,
        daily=float(np.exp(rng.uniform(np.log(rates.daily_low), np.log(rates.daily_high)))),
        working_days=bool(rng.random() < rates.weekday_only),
        strict=bool(rng.random() < rates.strict),
        region=str(rng.choice(REGIONS)),
    )
    receivers = draw_receivers(draw)
    senders = tuple(_through_bug(draw, sender, receivers) for sender in draw_senders(draw))
    indirect = tuple(indirect_flows(draw, senders))
    strangers = draw_strangers(draw)
    mail: list[Flow | Sightings] = [flow for sender in senders for flow in flows_of(sender, draw.horizon)]
    mail += [*indirect, *strangers.flows, *strangers.sightings]
    tallies = take_down(draw, mail, receivers)
    return _assemble(draw, kind, seed, (senders, indirect, receivers, mail, tallies))


_Parts = tuple[
    tuple[Sender, ...], tuple[Flow, ...], tuple[Receiver, ...], list[Flow | Sightings], list[Tally]
]


def _assemble(draw: Draw, kind: str, seed: int, parts: _Parts) -> World:
    senders, indirect, receivers, mail, tallies = parts
    trouble = _dns_trouble(draw)
    counted = [(tally, count(draw, tally, receivers[tally.receiver], trouble)) for tally in tallies]
    streams = Streams(draw, tallies, receivers)
    published = _published(draw)
    return World(
        kind=kind,
        seed=seed,
        start=draw.start,
        days=draw.days,
        policy=draw.rates.policy,
        no_mail_declared=not senders and draw.chance(0.5),
        origins=_origins(tallies, streams),
        signatures=signature_days(tallies, receivers, streams),
        stream_days=stream_rows(draw, counted, receivers, streams, published),
        domain_days=domain_rows(draw, tallies, receivers, published),
        pool=_pool_rows(draw, counted, receivers, streams),
        whose=_whose(tallies, streams),
        truth=find_truth(draw, senders, indirect),
        evidence=evidence_of(draw, tallies, receivers),
        story=_story(draw, senders, mail, receivers),
    )


def _through_bug(draw: Draw, sender: Sender, receivers: Sequence[Receiver]) -> Sender:
    """A receiver that breaks signatures before it checks them would reject mail: a fault of every sender."""
    for index, receiver in enumerate(receivers):
        if receiver.bug is Bug.HARSH and sender.signs:
            share = from_day(draw, receiver.bug_from, receiver.share * receiver.bug_share)
            fault = Fault("harsh evaluator", OWN_DKIM_BROKEN, share, receiver.bug_from, None, audience=index)
            return replace(sender, faults=(*sender.faults, fault))
    return sender


def _dns_trouble(draw: Draw) -> Days:
    """Share of each day's mail that nobody could decide because the domain's DNS did not answer."""
    trouble = draw.nothing()
    if draw.chance(draw.rates.dns_trouble):
        for _ in range(draw.whole(1, 3)):
            trouble[draw.whole(0, draw.days - 1)] = draw.between(0.05, 0.5)
    return trouble


def _published(draw: Draw) -> Published:
    strict = "s" if draw.strict else "r"
    if draw.rates.policy == "staged":
        return Published("quarantine", 0, True, strict, strict)
    return Published(draw.rates.policy, None, None, strict, strict)


def _origins(tallies: Iterable[Tally], streams: Streams) -> dict[str, Origin]:
    origins = dict.fromkeys(streams.origin(tally.origin) for tally in tallies)
    return {stream_id(origin.place): origin for origin in origins}


def _whose(tallies: Iterable[Tally], streams: Streams) -> dict[str, Whose]:
    sums: dict[str, dict[Whose, int]] = defaultdict(lambda: defaultdict(int))
    for tally in tallies:
        sums[stream_id(streams.origin(tally.origin).place)][tally.whose] += tally.messages
    return {identity: max(by, key=by.__getitem__) for identity, by in sums.items()}


def _pool_rows(
    draw: Draw, counted: Iterable[tuple[Tally, Counts]], receivers: Sequence[Receiver], streams: Streams
) -> tuple[PoolDay, ...]:
    """Days of places that did not persist and were seen on more than one day."""
    sums: dict[tuple[object, int, int], list[int]] = {}
    for tally, counts in counted:
        if tally.origin.place in streams.remembered:
            entry = sums.setdefault((tally.origin.place, tally.day, tally.receiver), [0, 0])
            entry[0] += tally.messages
            decided = tally.messages - counts.indeterminate - counts.excused
            entry[1] += 0 if tally.auth.passes else max(0, decided)
    return tuple(
        PoolDay(
            place,  # type: ignore[arg-type]
            draw.dates[day],
            draw.start + timedelta(int(receivers[number].received[day])),
            receivers[number].name,
            receivers[number].tier,
            *values,
        )
        for (place, day, number), values in sums.items()
    )


def _story(
    draw: Draw, senders: Sequence[Sender], mail: Sequence[Flow | Sightings], receivers: Sequence[Receiver]
) -> tuple[str, ...]:
    months = draw.horizon / 30
    lines = [f"policy {draw.rates.policy}, starts {draw.start}, {draw.daily:.0f} own messages a day"]
    for sender in senders:
        states = ", ".join(f"{auth.state} {share:.1%}" for auth, share in sender.normal)
        only = "" if sender.audience is None else f", to {receivers[sender.audience].name} only"
        lines.append(f"sender {sender.key}: {sender.sent.sum() / months:.0f} a month, {states}{only}")
        lines += [
            f"  fault {fault.cause}: becomes {fault.becomes.state}, share {fault.share.max():.2%}, "
            f"day {fault.begun} to {'the end' if fault.fixed is None else fault.fixed}"
            for fault in sender.faults
        ]
    others: dict[str, float] = defaultdict(float)
    for each in mail:
        if isinstance(each, Sightings) or each.whose is not Whose.OWN:
            others[each.source] += float(each.sent.sum() if isinstance(each, Flow) else each.messages.sum())
    lines += [f"{source}: {messages / months:.0f} a month" for source, messages in others.items()]
    lines += [_reporter_story(receiver) for receiver in receivers]
    return tuple(lines)


def _reporter_story(receiver: Receiver) -> str:
    delay = float(np.mean(receiver.received - np.arange(len(receiver.received))))
    bug = f", {receiver.bug} from day {receiver.bug_from} at {receiver.bug_share:.0%}" if receiver.bug else ""
    return (
        f"reporter {receiver.name}: {receiver.share:.1%} of the mail, {receiver.tier}, "
        f"{int((~receiver.active).sum())} days without, {delay:.1f} days late, span {receiver.span_days}{bug}"
    )
