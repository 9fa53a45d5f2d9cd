"""The domain's own mail on its second way: forwarders and mailing lists.

SES mail is known by the signature of amazonses.com wherever it comes from, and that of other services
by theirs: what is forwarded whole stays in their streams. All other mail shows up at the forwarder's
network, or under its domain where it rewrites the envelope (SRS).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bench.worlds_calendar import Days, Draw
from bench.worlds_faults import ALTERED, AMAZONSES_ONLY, DKIM_ONLY, OWN_DKIM_BROKEN, UNALIGNED, Auth
from bench.worlds_flows import Flow, Origin, Sender, Whose, a_network, unknown_origin
from dmarcwatch.streams import PlaceKind

_LIST_REWRITE_LEFT = 0.3
"""Share of list mail still sent under the author's From once the domain enforces; most lists rewrite it."""
_CO_SIGNERS = ("transactional", "marketing", "saas")
"""Services that sign as themselves as well."""
_STEADY_SHARE = 0.7
"""Of what is forwarded: by forwarders that come back; single ones carry the rest."""


class _Passed(NamedTuple):
    """Mail of one sender that goes to forwarders without a sign of its service."""

    selector: str | None
    sent: Days
    whole: float
    """Share that may arrive unaltered; 0 for what is known to have broken."""


def indirect_flows(draw: Draw, senders: Sequence[Sender]) -> Iterator[Flow]:
    """What forwarders and lists send on, split by what is left of the own signature."""
    passed: list[_Passed] = []
    for sender in senders:
        sent = sender.sent * draw.between(0, draw.rates.forwarded_high)
        survives = _survival(draw, 20)
        if sender.origin.place.sender == "amazon-ses":
            yield from _ses(sender, sent, survives, unsigned=_unsigned(draw, sender))
        elif sender.signs and sender.origin.sender_type in _CO_SIGNERS:
            yield _whole(sender, sent * survives)
            passed.append(_Passed(sender.selector, sent * (1 - survives), 0.0))
        else:
            passed.append(_Passed(sender.selector, sent, 1.0))
    yield from _forwarders(draw, passed)
    writers = [sender for sender in senders if sender.people]
    if writers and draw.chance(draw.rates.lists):
        yield from _lists(draw, writers[0])


def _survival(draw: Draw, certainty: float) -> float:
    """Share of signatures that survive one way, drawn around the mean of all forwarders."""
    return float(draw.rng.beta(certainty * draw.rates.survives, certainty * (1 - draw.rates.survives)))


def _unsigned(draw: Draw, sender: Sender) -> Days:
    """Share of SES mail that was never signed: it cannot pass after a forwarder."""
    never = (fault.actual() for fault in sender.faults if fault.becomes is AMAZONSES_ONLY)
    return np.minimum(1.0, sum(never, draw.nothing()))


def _ses(sender: Sender, sent: Days, survives: float, *, unsigned: Days) -> Iterator[Flow]:
    parts = (
        (DKIM_ONLY, (1 - unsigned) * survives),
        (ALTERED, (1 - unsigned) * (1 - survives)),
        (AMAZONSES_ONLY, unsigned),
    )
    for auth, share in parts:
        if (sent * share).any():
            flow = _whole(sender, sent * share, auth)
            yield Flow(
                Whose.INDIRECT, flow.source, flow.origin, auth, flow.sent, flow.selector, forwarded=True
            )


def _whole(sender: Sender, sent: Days, auth: Auth = DKIM_ONLY) -> Flow:
    return Flow(Whose.INDIRECT, f"forwarded {sender.key}", sender.origin, auth, sent, sender.selector)


def _forwarders(draw: Draw, passed: Sequence[_Passed]) -> Iterator[Flow]:
    """Two to six steady forwarders, the busier the rarer, and a tail of single ones."""
    number = draw.whole(2, 6)
    ranks = 1 / np.arange(1, number + 1)
    weights = [*(_STEADY_SHARE * ranks / ranks.sum()), 1 - _STEADY_SHARE]
    for index, weight in enumerate(weights):
        origin = _forwarder(draw, index) if index < number else unknown_origin(draw, PlaceKind.SCATTERED, "")
        survives, seals = _survival(draw, 8), draw.chance(0.3)
        for each in passed:
            for auth, share in _outcomes(each, survives):
                sent = each.sent * weight * share
                if sent.any():
                    yield Flow(Whose.INDIRECT, "forwarders", origin, auth, sent, each.selector, listed=seals)


def _outcomes(passed: _Passed, survives: float) -> tuple[tuple[Auth, float], ...]:
    if passed.selector is None:
        return ((UNALIGNED, 1.0),)
    return ((DKIM_ONLY, passed.whole * survives), (OWN_DKIM_BROKEN, 1 - passed.whole * survives))


def _forwarder(draw: Draw, index: int) -> Origin:
    """Half of them rewrite the envelope, so their mail authenticates as their own domain."""
    if draw.chance(0.5):
        return unknown_origin(draw, PlaceKind.DOMAIN, f"forwarder-{index}.example")
    return unknown_origin(draw, PlaceKind.NETWORK, a_network(draw))


def _lists(draw: Draw, writer: Sender) -> Iterator[Flow]:
    posted = writer.sent * draw.log_between(0.001, max(0.0011, draw.rates.list_high))
    if draw.rates.policy in ("quarantine", "reject"):
        posted = posted * _LIST_REWRITE_LEFT
    auth = OWN_DKIM_BROKEN if writer.signs else UNALIGNED
    number = draw.whole(1, 3)
    for index in range(number):
        origin = unknown_origin(draw, PlaceKind.DOMAIN, f"list-{index}.example")
        yield Flow(Whose.INDIRECT, "lists", origin, auth, posted / number, writer.selector, listed=True)
