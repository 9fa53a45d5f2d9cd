"""Streams and the two roll-ups that everything after them reads (JUDGEMENT 2 and 4).

A stream is what somebody can fix: policy domain, From domain, sender, and the place it sends from
(an SES region, a mailbox provider's tenant, a network or an authenticated domain). `stream_days`
is the narrow waist: pages, digest and verdict read it and never the records.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from dmarcwatch.report import Grade, Tier


class Legitimacy(StrEnum):
    """Whose mail a stream is (JUDGEMENT 3)."""

    OWNED = "owned"
    SHADOW = "shadow"
    """Probably yours, unproven."""
    FORWARDED = "forwarded"
    SPOOF = "spoof"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What DMARC came to for a record, the reporter's word beside ours (`dmarc` in SQL)."""

    PASS = "pass"
    PASS_UNVERIFIED = "pass_unverified"
    """The reporter says pass and its own auth_results do not show why."""
    FAIL = "fail"
    INDETERMINATE = "indeterminate"
    """A DNS error on an aligned domain: neither pass nor fail (RFC 9989 section 5.3.6)."""
    UNKNOWN = "unknown"


class PlaceKind(StrEnum):
    """What the last part of a stream's id names."""

    REGION = "region"
    TENANT = "tenant"
    NETWORK = "network"
    DOMAIN = "domain"
    """A foreign domain that the mail authenticates as."""
    SCATTERED = "scattered"
    """The pool of networks and domains that did not persist."""
    NONE = "none"
    """The sender has no parts that could be fixed one by one."""


class Place(NamedTuple):
    """Where the mail of a stream comes from: one thing that one person can fix."""

    policy_domain: str
    header_from: str
    sender: str
    """An id of senders.toml or `unknown`."""
    kind: PlaceKind
    name: str
    """The region, tenant, network or domain; empty for kinds `none` and `scattered`."""


SCATTERED = "scattered"


def stream_id(place: Place) -> str:
    """The stream's id, such as `example.com/amazon-ses/eu-west-1`.

    The same after a rebuild, on a cluster and in a label. A From domain that is not the policy
    domain follows it after a colon, so that ids of one domain sort together and never collide.
    """
    head = place.policy_domain
    if place.header_from != place.policy_domain:
        head = f"{head}:{place.header_from}"
    tail = SCATTERED if place.kind is PlaceKind.SCATTERED else place.name.replace("/", "-")
    return "/".join(filter(None, (head, place.sender, tail)))


class StreamDay(NamedTuple):
    """One row of `stream_days`: key first, then messages. The key is all up to `forwarded`."""

    stream: str
    day: date
    """UTC day of the report's middle; for a report over several days its first day."""
    span_days: int
    """Days the report covers, 1 or more."""
    received_day: date
    """Day the report reached us, so that a verdict can be replayed as of any day."""
    reporter: str
    """Organisation that wrote the report, one for all names it uses."""
    tier: Tier
    grade: Grade
    state: str
    forwarded: bool
    messages: int
    dmarc_pass: int
    """Messages with outcome `pass` or `pass_unverified`."""
    dkim_aligned: int
    """Messages with an aligned DKIM pass as we recompute it."""
    spf_aligned: int
    both_aligned: int
    unverified: int
    """Messages with outcome `pass_unverified`, a part of `dmarc_pass`."""
    indeterminate: int
    unknown: int
    """Messages with outcome `unknown`; failing is messages - dmarc_pass - indeterminate - unknown."""
    listed: int
    """Messages with a mailing-list or arc=pass reason."""
    spared: int
    """Failing messages that the reporter gives a sparing reason for (dmarc.md 4, step 4)."""
    quarantined: int
    rejected: int


class DomainDay(NamedTuple):
    """One row of `domain_days`: key first (all up to `aspf`), then counts."""

    policy_domain: str
    day: date
    span_days: int
    received_day: date
    reporter: str
    tier: Tier
    grade: Grade
    p: str | None
    sp: str | None
    np: str | None
    pct: int | None
    t: bool | None
    """The `t` tag; the XML calls it `testing`."""
    adkim: str | None
    aspf: str | None
    reports: int
    messages: int
    unread_messages: int
    """Messages of records that could not be used."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a person knows and no report says; outranks every rule until it expires."""

    stream: str
    word: str
    """`owned`, `forwarder`, `spoof` or `ignore`."""
    given: date
    expires: date
    critical: bool = False
    every: str | None = None
    """`week`, `month` or `quarter` where the stream sends that rarely."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SelectorUse:
    """One own DKIM selector as seen in a stream."""

    selector: str
    """Empty where the reporter named none."""
    domain: str
    """d=, in the organisation of the From domain."""
    passed: int
    """Messages whose signature verified."""
    failed: int
    first_seen: date
    last_seen: date
    last_right: date | None = None
    """The last day on which most of them verified; None for never, or where nobody asked."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream and what is known of it over all time; its days are `StreamDay`s."""

    id: str
    place: Place
    name: str
    """The operator as people call it, such as "Amazon SES eu-west-1"."""
    sender_type: str
    """`type` of senders.toml (`transactional`, `marketing`, `saas`, `mailbox`, `gateway`) or `unknown`."""
    first_seen: date
    last_seen: date
    selectors: tuple[SelectorUse, ...] = ()
    label: Label | None = None


_DAY_SECONDS = 86_400
_SLACK_SECONDS = 3_600


@lru_cache(maxsize=4096)  # reporters share their days
def covered(begin: datetime, end: datetime) -> tuple[date, int]:
    """The UTC day a report is filed under, and how many days it covers (JUDGEMENT 4).

    A day's report is filed under the day of its middle, because windows slide (07:00 to 07:00) and
    ends are written as 23:59:59 or as the next midnight. A longer one is one observation: filed under
    its first day, never spread over days nobody counted.
    """
    seconds = (end - begin).total_seconds()
    span = max(1, ceil((seconds - _SLACK_SECONDS) / _DAY_SECONDS))
    return (begin + (end - begin) / 2 if span == 1 else begin).date(), span
