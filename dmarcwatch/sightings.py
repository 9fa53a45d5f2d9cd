"""What reports showed of a domain that somebody can be asked about today: DNS, AWS, an address's operator."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Operator(NamedTuple):
    """Who announces an address on the internet."""

    asn: int | None
    """Number of the autonomous system; None where the database does not know the address."""
    name: str | None
    country: str | None
    """Two letters of ISO 3166."""


NO_OPERATOR = Operator(None, None, None)


class SelectorSeen(NamedTuple):
    """One own DKIM selector at one sender, with its messages."""

    domain: str
    """d=, in the organisation of the From domain."""
    selector: str
    sender: str
    region: str | None
    """SES region of its stream; None for every other sender."""
    passed: int
    failed: int
    first_seen: date
    last_seen: date


class ReturnPathSeen(NamedTuple):
    """One return path at one sender, with its messages."""

    domain: str
    sender: str
    region: str | None
    messages: int
    passed: int
    """Messages for which SPF passed."""
    first_seen: date
    last_seen: date


class StateSeen(NamedTuple):
    """One state of SES mail of one From domain and region."""

    header_from: str
    region: str
    state: str
    """A word of DESIGN 3.3."""
    messages: int
    first_seen: date
    last_seen: date


class FindingSeen(NamedTuple):
    """What the days of an SES stream showed over time."""

    header_from: str
    region: str
    word: str
    """A word of DESIGN 3.3."""
    since: str
    message: str


class NetworkSeen(NamedTuple):
    """A network whose mail nothing explains: a stream of its own that is unknown."""

    network: str
    """CIDR."""
    header_from: str
    messages: int
    addresses: tuple[str, ...]
    """Some of its addresses, those with most messages first."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """One domain's names and addresses in the trusted reports of a span of days."""

    since: date | None
    """First day read; None where no report has spoken of the domain."""
    until: date | None
    """Last day with a report."""
    selectors: tuple[SelectorSeen, ...] = ()
    return_paths: tuple[ReturnPathSeen, ...] = ()
    """Of every sender, foreign ones too."""
    states: tuple[StateSeen, ...] = ()
    """Of SES mail that came straight from it."""
    findings: tuple[FindingSeen, ...] = ()
    networks: tuple[NetworkSeen, ...] = ()
    ses_addresses: frozenset[str] = frozenset()
    policy: str | None = None
    """`p` as most reports of the last day found it; None where they state none."""

    @property
    def header_froms(self) -> tuple[str, ...]:
        """The From domains of SES mail, in alphabetical order."""
        return tuple(sorted({seen.header_from for seen in self.states}))

    @property
    def regions(self) -> tuple[str, ...]:
        """The SES regions that sent."""
        return tuple(sorted({seen.region for seen in self.states}))


NOTHING_SEEN = Sightings(None, None)
