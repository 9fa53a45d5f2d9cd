"""Mail as it is sent: whose it is, where it comes from, how it authenticates, how much of it a day."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.worlds_calendar import Days, Draw
from bench.worlds_faults import Auth, Fault
from dmarcwatch.streams import Place, PlaceKind

UNKNOWN = "unknown"


class Whose(StrEnum):
    """The truth about a message, which no judge is told."""

    OWN = "own"
    """The domain's, or a vendor's on its behalf."""
    INDIRECT = "indirect"
    """The domain's own mail, sent on by a forwarder or a list."""
    STRANGER = "stranger"


class Origin(NamedTuple):
    """A place and what the store knows of who operates it."""

    place: Place
    name: str
    sender_type: str


@dataclass(frozen=True, slots=True, eq=False)
class Sender:
    """Somebody who sends the domain's own mail, and what goes wrong with it."""

    key: str
    """Names the sender in traces; two senders may share a place, as two runs in one SES region do."""
    origin: Origin
    selector: str | None
    """The own DKIM selector; None where it does not sign."""
    sent: Days
    normal: tuple[tuple[Auth, float], ...]
    """How the mail authenticates without faults: shares that sum to 1."""
    broken: Auth
    """What it becomes in a passing failure."""
    people: bool = False
    """People write it, who may post to lists and whose readers forward."""
    audience: int | None = None
    """The only receiver it goes to; None for all."""
    faults: tuple[Fault, ...] = ()

    @property
    def signs(self) -> bool:
        return self.selector is not None


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Expected messages of one origin in one state on each day."""

    whose: Whose
    source: str
    origin: Origin
    auth: Auth
    sent: Days
    selector: str | None = None
    forwarded: bool = False
    listed: bool = False
    """Sent on by a list or an ARC sealer: some reporters give that reason."""
    audience: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Mail from many places that are seen on few days: one entry a place and day."""

    source: str
    origins: tuple[Origin, ...]
    origin_of: NDArray[np.int64]
    """Index into `origins` of each entry."""
    day_of: NDArray[np.int64]
    messages: Days
    """Messages of each entry, expected."""
    auth: Auth


def flows_of(sender: Sender, horizon: int) -> tuple[Flow, ...]:
    """A sender's mail split by state; the flows of a sender sum to what it sends."""
    parts: list[tuple[Auth, Days, int | None]] = []
    left = np.ones(horizon)
    # What fails first: mail that two faults claim is lost, however well the other alone would leave it.
    for fault in sorted(sender.faults, key=lambda fault: fault.becomes.passes):
        taken = left * fault.actual()
        left = left - taken
        parts.append((fault.becomes, taken, sender.audience if fault.audience is None else fault.audience))
    parts += [(auth, left * share, sender.audience) for auth, share in sender.normal]
    return tuple(
        Flow(
            Whose.OWN,
            sender.key,
            sender.origin,
            auth,
            sender.sent * share,
            sender.selector,
            audience=audience,
        )
        for auth, share, audience in parts
        if share.any()
    )


def unknown_origin(draw: Draw, kind: PlaceKind, name: str) -> Origin:
    """A network, a foreign domain or, with an empty name, the pool of scattered ones."""
    place = Place(draw.domain, draw.domain, UNKNOWN, kind, name)
    return Origin(place, f"Unknown, {name}" if name else "Unknown, scattered", UNKNOWN)


def a_network(draw: Draw) -> str:
    """A /24 of the address space for public use; two draws may meet, as spoofers' networks do."""
    return f"{draw.whole(11, 191)}.{draw.whole(0, 255)}.{draw.whole(0, 255)}.0/24"
