"""What is known of one domain before anything is judged: its streams, their days, the user's answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from dmarcwatch.report import Tier
from dmarcwatch.streams import DomainDay, Place, Stream, StreamDay


class PoolDay(NamedTuple):
    """One day of one place inside a `scattered` stream (JUDGEMENT 2, the pool).

    Only places that can matter are handed over: foreign domains the mail authenticates as, and
    networks seen on more than one day. A wave from ten thousand hosts is not among them.
    """

    place: Place
    """Of kind `network` or `domain`: what the place would be if it were a stream of its own."""
    day: date
    received_day: date
    reporter: str
    tier: Tier
    messages: int
    failing: int


@dataclass(frozen=True, slots=True)
class History:
    """Everything that was reported about one policy domain, in any order."""

    domain: str
    streams: tuple[Stream, ...]
    stream_days: Sequence[StreamDay]
    domain_days: Sequence[DomainDay]
    pool: Sequence[PoolDay] = ()
    rejects: int = 0
    """Items of the domain's sources that gave no report."""
    record: str | None = None
    """The published DMARC record as the configuration or `check` knows it; None where nobody looked."""


class Audience(StrEnum):
    """Who writes the domain's mail; people post to mailing lists (RFC 9989 section 7.4)."""

    PEOPLE = "people"
    MACHINES = "machines"


class Cadence(StrEnum):
    """How rarely a stream sends, for `silent`; the words of `Label.every`."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the user answered once in the configuration; None and empty are "not answered"."""

    audience: Audience | None = None
    accept_listed: bool = False
    """Mail that mailing lists break may be rejected: the owner knows and accepts it."""
    no_mail: bool = False
    """The domain never sends."""
    owned_senders: tuple[str, ...] = ()
    """Ids of senders.toml whose mail is the user's."""
    owned_networks: tuple[str, ...] = ()
    """Networks of own servers as CIDR, such as `192.0.2.0/24`."""
    owned_selectors: tuple[str, ...] = ()
    """DKIM selectors of own streams."""
    owned_domains: tuple[str, ...] = ()
    """Return paths or foreign domains that own mail authenticates as."""
    critical: tuple[str, ...] = ()
    """Ids of streams that must never break."""
    every: tuple[tuple[str, Cadence], ...] = ()
    """Stream id and how rarely it sends."""


NOTHING_DECLARED = Declared()
"""No question answered."""
