"""What reports say of a domain's own DKIM selectors, stream by stream."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.worlds_receivers import Receiver
from bench.worlds_rollup import Streams, Tally
from dmarcwatch.streams import stream_id

_SIGNED_AND_BROKEN = ("own-dkim-broken", "altered", "spf-only-dkim-broken")


class SignatureDay(NamedTuple):
    """Messages of one stream and day with one own selector."""

    stream: str
    selector: str
    day: int
    received: int
    passed: int
    failed: int


def signature_days(
    tallies: Iterable[Tally], receivers: Sequence[Receiver], streams: Streams
) -> tuple[SignatureDay, ...]:
    """What the reports say of own signatures, in the order of their arrival."""
    days = []
    for tally in tallies:
        if tally.selector is not None and (tally.auth.dkim or tally.auth.state in _SIGNED_AND_BROKEN):
            passed = tally.messages * tally.auth.dkim
            received = int(receivers[tally.receiver].received[tally.day])
            identity = stream_id(streams.origin(tally.origin).place)
            failed = tally.messages - passed
            days.append(SignatureDay(identity, tally.selector, tally.day, received, passed, failed))
    return tuple(sorted(days, key=lambda each: (each.received, each.day, each.stream, each.selector)))
