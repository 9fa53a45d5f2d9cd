"""What to do about a stream, with what the domain's other streams show of its keys and MAIL FROM."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dmarcwatch.classify.naming import UNKNOWN_REGION
from dmarcwatch.remedy import remedy
from dmarcwatch.senders import Senders
from dmarcwatch.ses import SES
from dmarcwatch.ses.history import BROKEN
from dmarcwatch.ses.remedy import Case, Key, Right, SeenMailFrom
from dmarcwatch.streams import SelectorUse, Stream


@dataclass(frozen=True, slots=True)
class Mender:
    """What to do about the streams of one domain."""

    streams: Sequence[Stream]
    senders: Senders
    mail_from: Callable[[Stream], SeenMailFrom | None]
    """The custom MAIL FROM that reports showed in a stream last."""

    def fix(self, stream: Stream, word: str) -> tuple[str, ...]:
        """The lines that say how to mend a stream in a state, or with a finding; empty for nothing to do."""
        place = stream.place
        failing = [use for use in stream.selectors if use.failed] if word in BROKEN else []
        keys = tuple(
            Key(use.selector, use.domain, self._right_in(stream, use)) for use in failing or stream.selectors
        )
        case = Case(place.header_from, place.name, keys, self._seen(stream))
        return remedy(word, case, self.senders.get(place.sender))

    def fixes(self, stream: Stream, words: Iterable[str]) -> tuple[str, ...]:
        """The same for several, each way to mend it once."""
        found = dict.fromkeys(self.fix(stream, word) for word in words)
        return tuple(line for lines in found for line in lines)

    def _right_in(self, stream: Stream, use: SelectorUse) -> Right | None:
        """Another stream in which the same key still verifies; None where it verifies in this one."""
        if _verifies(use):
            return None
        for other in self.streams:
            if other.id != stream.id and any(
                _is_same(use, each) and _verifies(each) for each in other.selectors
            ):
                place = other.place
                whose = (
                    "" if place.header_from == stream.place.header_from else f" (From {place.header_from})"
                )
                return Right(other.name + whose, place.name)
        return None

    def _seen(self, stream: Stream) -> SeenMailFrom | None:
        """The stream's own, or else that of another region: one MX serves all (AWS guide, regions)."""
        if stream.place.sender != SES:
            return None
        others = (
            other
            for other in sorted(self.streams, key=lambda other: other.last_seen, reverse=True)
            if (other.place.sender, other.place.header_from) == (SES, stream.place.header_from)
            and other.place.name not in (UNKNOWN_REGION, stream.place.name)
        )
        found = (self.mail_from(each) for each in (stream, *others))
        return next((seen for seen in found if seen is not None), None)


def _verifies(use: SelectorUse) -> bool:
    """Whether most of its last signatures did; a day's reports may still be under way."""
    return use.last_right is not None and use.last_seen - use.last_right <= timedelta(days=1)


def _is_same(use: SelectorUse, other: SelectorUse) -> bool:
    """One key, seen elsewhere as late: what changed since would not show there."""
    return (use.selector, use.domain) == (other.selector, other.domain) and (
        use.last_seen - other.last_seen <= _AS_LATE
    )


_AS_LATE = timedelta(days=7)
