"""Histories of a domain for tests of the verdict: healthy by default, each test says what differs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from dmarcwatch.history import NOTHING_DECLARED, Declared, History, PoolDay
from dmarcwatch.readiness import Judge
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import (
    DomainDay,
    Label,
    Place,
    PlaceKind,
    SelectorUse,
    Stream,
    StreamDay,
    stream_id,
)
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dmarcwatch.verdict import Verdict

DOMAIN = "example.com"
TODAY = date(2026, 11, 20)
LAST = TODAY - timedelta(days=2)
REPORTERS = ("google", "yahoo", "microsoft")

PASSING = frozenset({"both-aligned", "dkim-only", "spf-only", "spf-only-dkim-broken"})


def ago(days: int) -> date:
    """So many days before the last day judged."""
    return LAST - timedelta(days=days)


def place(sender="amazon-ses", kind=PlaceKind.REGION, name="eu-west-1", header_from=DOMAIN) -> Place:
    return Place(DOMAIN, header_from, sender, kind, name)


def network(name="203.0.113.0/24") -> Place:
    return place("unknown", PlaceKind.NETWORK, name)


SCATTERED = place("unknown", PlaceKind.SCATTERED, "")
SES = place()


def stream(
    where: Place = SES, *, sender_type: str | None = None, label: Label | None = None, selectors=()
) -> Stream:
    kind = sender_type or ("unknown" if where.sender == "unknown" else "transactional")
    title = where.name if where.sender == "unknown" else f"{where.sender} {where.name}".strip()
    uses = tuple(SelectorUse(name, DOMAIN, 100, 0, ago(400), LAST, LAST) for name in selectors)
    return Stream(stream_id(where), where, title, kind, ago(400), LAST, uses, label)


def label(where: Place, word: str, **more) -> Label:
    return Label(stream_id(where), word, ago(100), TODAY + timedelta(days=80), **more)


def row(where: Place, day: date, messages: int, state: str = "both-aligned", **changes) -> StreamDay:
    """One row of a stream; counts follow from the state unless they are given."""
    passing = messages if state in PASSING else 0
    values = StreamDay(
        stream=stream_id(where),
        day=day,
        span_days=1,
        received_day=day + timedelta(days=1),
        reporter="google",
        tier=Tier.VERIFIED,
        grade=Grade.CLEAN,
        state=state,
        forwarded=False,
        messages=messages,
        dmarc_pass=passing,
        dkim_aligned=messages if state in ("both-aligned", "dkim-only") else 0,
        spf_aligned=messages if state in ("both-aligned", "spf-only", "spf-only-dkim-broken") else 0,
        both_aligned=messages if state == "both-aligned" else 0,
        unverified=0,
        indeterminate=0,
        unknown=0,
        listed=0,
        spared=0,
        quarantined=0,
        rejected=0,
    )
    return values._replace(**changes)


def domain_day(day: date, reporter: str = "google", **changes) -> DomainDay:
    values = DomainDay(
        policy_domain=DOMAIN,
        day=day,
        span_days=1,
        received_day=day + timedelta(days=1),
        reporter=reporter,
        tier=Tier.VERIFIED,
        grade=Grade.CLEAN,
        p="none",
        sp=None,
        np=None,
        pct=100,
        t=None,
        adkim="r",
        aspf="r",
        reports=1,
        messages=20,
        unread_messages=0,
    )
    return values._replace(**changes)


@dataclass
class World:
    """A domain that grows line by line; `history()` is what `judge` takes."""

    streams: dict[str, Stream] = field(default_factory=dict)
    rows: list[StreamDay] = field(default_factory=list)
    domain_days: list[DomainDay] = field(default_factory=list)
    pool: list[PoolDay] = field(default_factory=list)
    rejects: int = 0
    record: str | None = None

    def add(self, who: Stream, rows: Iterable[StreamDay]) -> "World":
        self.streams[who.id] = who
        self.rows.extend(rows)
        return self

    def mail(
        self, where: Place, days: Iterable[int], messages: int, state: str = "both-aligned", **changes
    ) -> "World":
        """Messages of a stream on days counted back from the last one judged."""
        who = self.streams.get(stream_id(where)) or stream(where)
        return self.add(who, (row(where, ago(day), messages, state, **changes) for day in days))

    def reports(self, days: Iterable[int], reporters: Iterable[str] = REPORTERS, **changes) -> "World":
        names = tuple(reporters)
        self.domain_days += [domain_day(ago(day), name, **changes) for day in days for name in names]
        return self

    def change(self, which: Callable[[StreamDay], bool], **changes) -> "World":
        """The same rows with other values where `which` says so."""
        self.rows = [one._replace(**changes) if which(one) else one for one in self.rows]
        return self

    def publish(self, which: Callable[[DomainDay], bool] = lambda _: True, **changes) -> "World":
        """Another policy on the days that `which` picks."""
        self.domain_days = [one._replace(**changes) if which(one) else one for one in self.domain_days]
        return self

    def history(self) -> History:
        return History(
            DOMAIN,
            tuple(self.streams.values()),
            tuple(self.rows),
            tuple(self.domain_days),
            tuple(self.pool),
            self.rejects,
            self.record,
        )

    def judge(
        self,
        as_of: date = TODAY,
        *,
        declared: Declared = NOTHING_DECLARED,
        limits: Thresholds = DEFAULT_THRESHOLDS,
        **more,
    ) -> Verdict:
        return Judge(self.history(), thresholds=limits, declared=declared, **more).at(as_of)


def healthy(
    days: int | Iterable[int] = 100, *, per_reporter: int = 20, reporters: Iterable[str] = REPORTERS
) -> World:
    """A domain that mails through SES every day and passes, as three organisations report."""
    world, names = World(), tuple(reporters)
    back = range(days) if isinstance(days, int) else tuple(days)
    world.reports(back, names)
    for name in names:
        world.mail(SES, back, per_reporter, reporter=name)
    return world


def enforcing(p: str, days: int = 130, **policy) -> World:
    """The healthy domain with a policy in force all the time."""
    return healthy(days).publish(p=p, **policy)


def blocked_by(verdict: Verdict) -> set[str]:
    return {blocker.gate for blocker in verdict.blockers}


def warned_by(verdict: Verdict) -> set[str]:
    return {warning.gate for warning in verdict.warnings}


def gates(verdict: Verdict, gate: str) -> Iterator:
    return (one for one in verdict.gates if one.gate == gate)


def ok(verdict: Verdict, gate: str) -> bool:
    """Whether a gate that was asked passed for the verdict's target."""
    asked = [one for one in gates(verdict, gate) if one.target == verdict.target]
    assert asked, f"{gate} was not asked"
    return all(one.ok for one in asked)
