"""A forger of reports: the rua address is public, so anybody may write any report to it.

No verdict may change by what is laid over a world here: neither become ready nor be kept from it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import numpy as np

from bench.worlds import DOMAIN, World
from bench.worlds_flows import UNKNOWN, Origin, Whose
from dmarcwatch.history import PoolDay
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import DomainDay, Place, PlaceKind, StreamDay, stream_id


class Aim(StrEnum):
    """What the forger wants the verdict to be."""

    READY = "ready"
    """Everything passes, in plenty, from every reporter."""
    BLOCKED = "blocked"
    """Everything fails: known streams, new ones, networks that come back."""
    NOISE = "noise"
    """Anything."""


@dataclass(frozen=True, slots=True)
class Forger:
    """How much is forged, when, and to what end."""

    aim: Aim = Aim.NOISE
    reports_a_day: int = 1000
    first_day: int = 20
    days: int = 60
    seed: int = 1


_REAL_NAMES = ("google.com", "microsoft.com", "yahoo.com", "gmx.net")
_POLICIES = ("none", "quarantine", "reject", None)
_STATES = ("unaligned", "amazonses-only", "own-dkim-broken", "strict-adkim", "vendor-unaligned")


def with_forger(world: World, forger: Forger) -> World:
    """The world with forged reports of tiers `unverified` and `consistent` laid over it; its truth stays."""
    rng = np.random.default_rng([forger.seed, world.seed, forger.reports_a_day])
    origins = dict(world.origins) | {stream_id(origin.place): origin for origin in _new_origins()}
    names = sorted(origins)
    rows: list[StreamDay] = []
    reports: list[DomainDay] = []
    pool: list[PoolDay] = []
    for day in range(forger.first_day, min(forger.first_day + forger.days, world.days)):
        for number in range(forger.reports_a_day):
            report = _report(world, rng, day, number)
            reports.append(report)
            rows.append(_row(report, names[int(rng.integers(len(names)))], forger.aim, rng))
        pool.append(_pool_row(reports[-1], rng))
    return replace(
        world,
        origins=origins,
        whose=dict(world.whose) | {name: Whose.STRANGER for name in names if name not in world.whose},
        stream_days=(*world.stream_days, *rows),
        domain_days=(*world.domain_days, *reports),
        pool=(*world.pool, *pool),
    )


def _new_origins() -> list[Origin]:
    """Streams that exist in forged reports only."""
    networks = [Place(DOMAIN, DOMAIN, UNKNOWN, PlaceKind.NETWORK, f"198.51.{n}.0/24") for n in range(5)]
    region = Place(DOMAIN, DOMAIN, "amazon-ses", PlaceKind.REGION, "sa-east-1")
    return [Origin(place, f"Unknown, {place.name}", UNKNOWN) for place in networks] + [
        Origin(region, "Amazon SES sa-east-1", "transactional")
    ]


def _report(world: World, rng: np.random.Generator, day: int, number: int) -> DomainDay:
    """A forged report claims real names half of the time, and any policy, age and grade."""
    name = _REAL_NAMES[number % 4] if number % 2 else f"forger-{number}.example"
    policy = _POLICIES[int(rng.integers(4))]
    received = world.start + timedelta(day)
    return DomainDay(
        policy_domain=DOMAIN,
        day=received - timedelta(int(rng.integers(0, 40))),
        span_days=int(rng.integers(1, 9)),
        received_day=received,
        reporter=name,
        tier=Tier.UNVERIFIED if rng.random() < 0.6 else Tier.CONSISTENT,
        grade=list(Grade)[int(rng.integers(3))],
        p=policy,
        sp=policy,
        np=None,
        pct=int(rng.integers(0, 101)),
        t=bool(rng.integers(2)),
        adkim="s",
        aspf="s",
        reports=1,
        messages=int(rng.geometric(1e-3)),
        unread_messages=int(rng.integers(0, 1000)),
    )


def _row(report: DomainDay, stream: str, aim: Aim, rng: np.random.Generator) -> StreamDay:
    passes = aim is Aim.READY or (aim is Aim.NOISE and rng.random() < 0.5)
    passed = report.messages if passes else 0
    state = "both-aligned" if passes else _STATES[int(rng.integers(len(_STATES)))]
    return StreamDay(
        stream,
        report.day,
        report.span_days,
        report.received_day,
        report.reporter,
        report.tier,
        report.grade,
        state,
        bool(rng.integers(2)),
        report.messages,
        passed,
        passed,
        passed,
        passed,
        0,
        0,
        0,
        report.messages // 2,
        0,
        0,
        0,
    )


def _pool_row(report: DomainDay, rng: np.random.Generator) -> PoolDay:
    """The same network every day, so that it would persist if it were believed."""
    place = Place(DOMAIN, DOMAIN, UNKNOWN, PlaceKind.NETWORK, f"203.0.{int(rng.integers(3))}.0/24")
    return PoolDay(
        place, report.day, report.received_day, report.reporter, report.tier, report.messages, report.messages
    )
