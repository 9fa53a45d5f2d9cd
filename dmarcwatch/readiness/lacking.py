"""In which state the mail is that lacks something: what a fix of these days has to mend.

All time would name a fault that was repaired weeks ago, and failing mail alone none of what SPF still holds.
"""

from collections.abc import Callable

from dmarcwatch.readiness.snapshot import Snapshot
from dmarcwatch.readiness.timeline import Track
from dmarcwatch.ses import SES, SesState
from dmarcwatch.streams import StreamDay


def failing_state(track: Track, first: int, last: int) -> str:
    """The state of most direct messages that failed on these days; empty where none did."""
    return _most(
        track, first, last, lambda row: row.messages - row.dmarc_pass - row.indeterminate - row.unknown
    )


def unsigned_state(track: Track, first: int, last: int) -> str:
    """The state of most direct messages without an aligned DKIM pass, whether SPF holds them or not."""
    return _most(track, first, last, lambda row: row.messages - row.dkim_aligned)


def signing_fault(snapshot: Snapshot, track: Track, state: str) -> str:
    """The state that mends the signature of unsigned mail: under adkim=s another name may sign it.

    SPF holds that mail, so its own state does not say so.
    """
    place = track.stream.place
    strict = state == SesState.SPF_ONLY and snapshot.published.adkim == "s"
    others = (use.passed and use.domain != place.header_from for use in track.stream.selectors)
    return SesState.STRICT_ADKIM if strict and any(others) else state


def unaligned_path_fault(track: Track, first: int, last: int) -> str:
    """What mends SPF of mail that was aligned by it before: SES's own return path is a fallback then."""
    state = _most(track, first, last, lambda row: row.messages - row.spf_aligned)
    fell_back = state == SesState.DKIM_ONLY and track.stream.place.sender == SES
    return "mail-from-fallback" if fell_back else state


def _most(track: Track, first: int, last: int, lacking: Callable[[StreamDay], int]) -> str:
    sums: dict[str, int] = {}
    for row in track.rows:
        if first <= row.day.toordinal() <= last:
            sums[row.state] = sums.get(row.state, 0) + lacking(row)
    found = [state for state, messages in sums.items() if messages > 0]
    return max(found, key=lambda state: (sums[state], state), default="")
