"""What to do about a stream, with what the domain's other streams show of its keys and MAIL FROM."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dmarcwatch.classify.naming import UNKNOWN_REGION
from dmarcwatch.remedy import remedy
from dmarcwatch.senders import Senders
from dmarcwatch.ses import SES
from dmarcwatch.ses.remedy import Case, Key, SeenMailFrom
from dmarcwatch.streams import Stream


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
        keys = tuple(Key(use.selector, use.domain) for use in stream.selectors)
        case = Case(place.header_from, place.name, keys, self._seen(stream))
        return remedy(word, case, self.senders.get(place.sender))

    def fixes(self, stream: Stream, words: Iterable[str]) -> tuple[str, ...]:
        """The same for several, each way to mend it once."""
        found = dict.fromkeys(self.fix(stream, word) for word in words)
        return tuple(line for lines in found for line in lines)

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
