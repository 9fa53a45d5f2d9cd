"""Whether a report can be what it says it is; one that cannot is held: kept, listed, and not counted.

Two groups of rules. Some things cannot be whoever says them. Others are asked only of reports that nobody
vouches for (tiers `consistent` and `unverified`, JUDGEMENT 5): those decide nothing either way, but a
page that shows what strangers invent beside what is known misleads whoever reads it (dmarc.md 7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from statistics import median
from typing import NamedTuple

from dmarcwatch.report import Report, Tier, is_plausible

VOUCHED = frozenset({Tier.LOCAL, Tier.VERIFIED})
"""Tiers of reports that somebody answers for."""

MAX_MESSAGES = 1_000_000_000
"""Messages of one report; the largest senders reach some hundred million a day at all receivers together."""
EARLY = timedelta(hours=48)
"""A report may leave before its own period ends by a time zone and a wrong clock, not by two days."""
LATE = timedelta(days=7)
"""Receivers send within a day, and mail waits for five days in a queue (RFC 5321 section 4.5.4.1)."""
SURGE = 50
"""So many times what its reporter usually tells of the domain."""
_SURGE_REPORTS = 5
"""Reports that a median is taken from, at least."""
SURGE_MESSAGES = 1000
"""Fewer messages in all are no surge: small domains have days like that."""


_EXAMPLES = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""Addresses of examples (RFC 5737, RFC 3849), which invented domains mail from."""


class Why(StrEnum):
    """Why a report is held; the word that `status` and the view `held` show."""

    PERIOD = "period"
    """It covers a time before DMARC, more than five weeks, or ends before it begins."""
    COUNTS = "counts"
    """More messages than anybody sends."""
    EARLY = "early"
    """It arrived two days and more before the end of what it tells."""
    LATE = "late"
    """It arrived more than a week after."""
    POLICY = "policy"
    """It shows a policy that no report anybody vouches for, and no look-up, has shown of that time."""
    ADDRESSES = "addresses"
    """Most of its mail comes from addresses that do not exist on the internet."""
    SELECTOR = "selector"
    """It has signatures of the domain pass under selectors that nobody else has ever seen."""
    SURGE = "surge"
    """Its reporter tells of fifty times as many messages as it usually does."""


class Held(NamedTuple):
    """Why a report is held, in a word and in a sentence with what was found."""

    why: Why
    found: str


class Told(NamedTuple):
    """What a report says and how it came, as far as these rules ask."""

    report: Report
    tier: Tier
    received_at: datetime | None
    """Aware UTC; None where nothing says when, as of a bare file."""
    messages: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known apart from the report itself; empty is "nobody knows", and then nothing is asked."""

    policies: frozenset[str] = frozenset()
    """Values of `p` that reports of the same days, or a look-up, showed; vouched-for reports only."""
    usual: Sequence[int] = ()
    """Messages of the last counted reports of the same reporter on the same domain."""
    addresses: Mapping[str, int] = field(default_factory=dict)
    """Messages of the report by address."""
    passing_selectors: frozenset[str] = frozenset()
    """Selectors of the domain's own that the report has pass."""
    seen_selectors: frozenset[str] = frozenset()
    """Those among them that vouched-for reports have shown."""
    any_selector_seen: bool = False
    """Whether vouched-for reports have shown any selector of the domain's own."""


def impossible(told: Told) -> Held | None:
    """Why nobody's report can be like this; None where it can."""
    report = told.report
    if not is_plausible(report.begin, report.end):
        return Held(Why.PERIOD, f"{report.begin:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M}")
    if told.messages > MAX_MESSAGES:
        return Held(Why.COUNTS, f"{told.messages:,} messages in one report")
    received = told.received_at
    # The date of a file that the user named is whatever its mail says; the user vouches for the rest.
    if told.tier is not Tier.LOCAL and received is not None and received < report.end - EARLY:
        return Held(Why.EARLY, f"received {received:%Y-%m-%d %H:%M}, ends {report.end:%Y-%m-%d %H:%M}")
    return None


def implausible(told: Told, known: Known) -> Held | None:
    """Why a report that nobody vouches for is not believable beside what is known; None where it is."""
    if told.tier in VOUCHED:
        return None
    found = (rule(told, known) for rule in (_late, _policy, _addresses, _selector, _surge))
    return next((held for held in found if held is not None), None)


def _late(told: Told, known: Known) -> Held | None:
    if told.received_at is None or told.received_at - told.report.end <= LATE:
        return None
    days = (told.received_at - told.report.end).days
    return Held(Why.LATE, f"received {days} days after its end, {told.report.end:%Y-%m-%d}")


def _policy(told: Told, known: Known) -> Held | None:
    said = told.report.policy.p
    if said is None or not known.policies or said in known.policies:
        return None
    return Held(Why.POLICY, f"p={said}, where p={' and p='.join(sorted(known.policies))} was published")


def _addresses(told: Told, known: Known) -> Held | None:
    nowhere = {ip: messages for ip, messages in known.addresses.items() if not _on_the_internet(ip)}
    if sum(nowhere.values()) * 2 <= sum(known.addresses.values()):
        return None
    most = max(nowhere, key=nowhere.__getitem__)
    return Held(Why.ADDRESSES, f"{sum(nowhere.values()):,} messages from addresses such as {most}")


def _on_the_internet(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    example = any(address in network for network in _EXAMPLES)
    return example or (address.is_global and not address.is_multicast)


def _selector(told: Told, known: Known) -> Held | None:
    claimed = known.passing_selectors
    if not known.any_selector_seen or not claimed or claimed & known.seen_selectors:
        return None
    return Held(
        Why.SELECTOR, f"signatures pass under {', '.join(sorted(claimed)[:3])}, which nobody else saw"
    )


def _surge(told: Told, known: Known) -> Held | None:
    if told.messages <= SURGE_MESSAGES or len(known.usual) < _SURGE_REPORTS:
        return None
    usual = median(known.usual)
    if told.messages <= SURGE * usual:
        return None
    return Held(Why.SURGE, f"{told.messages:,} messages, where its reporter usually tells of {usual:,.0f}")
