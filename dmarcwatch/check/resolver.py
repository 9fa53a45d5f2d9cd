"""Questions to DNS, each asked once, with answers that tell "there is none" from "nobody knows".

Only a name server's own word makes a record absent. Silence, SERVFAIL and a resolver that is caught
lying leave it unknown, and what follows from an unknown answer is unknown as well.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

import dns.exception
import dns.flags
import dns.message
import dns.nameserver
import dns.rdata
import dns.rdatatype
import dns.resolver

from dmarcwatch.errors import ConfigError
from dmarcwatch.text import clean

TIMEOUT_SECONDS = 5.0
"""For one question, all tries together."""
MAX_SILENCES = 3
"""Questions without any answer at all, after which a run asks no more."""
WORKERS = 8
"""Questions under way at once, so that a dead zone of ten names costs one timeout or two and not ten."""
_MAX_CHARS = 20_000
"""Of one value; an SPF record that long has worse troubles."""
_MAX_VALUES = 50
CONTROL_ABSENT = "dmarcwatch.invalid"
"""No server may know a name below `invalid` (RFC 6761 section 6.4): who does lies about what exists."""
CONTROL_PRESENT = "com"
"""Who denies it lies about what does not exist."""


class Known(StrEnum):
    """What a question came to."""

    FOUND = "found"
    NO_DATA = "no-data"
    """The name exists, a record of this type does not."""
    NO_NAME = "no-name"
    """NXDOMAIN: neither the name nor any below it exists (RFC 8020)."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one name and type."""

    name: str
    kind: str
    known: Known
    values: tuple[str, ...] = ()
    """As in a zone file, host names in lower case without trailing dot, TXT strings joined; cleaned."""
    trouble: str = ""
    """Why nothing is known; empty otherwise."""

    @property
    def found(self) -> bool:
        """Whether there are such records."""
        return self.known is Known.FOUND

    @property
    def absent(self) -> bool:
        """Whether a server says that there are none; False where nobody knows."""
        return self.known in (Known.NO_DATA, Known.NO_NAME)

    @property
    def unknown(self) -> bool:
        """Whether nobody said either."""
        return self.known is Known.UNKNOWN


@dataclass(frozen=True, slots=True)
class Servers:
    """Whom to ask, and how long."""

    addresses: tuple[tuple[str, int], ...] = ()
    """Address and port of each; the system's own resolvers where empty."""
    timeout_seconds: float = TIMEOUT_SECONDS


def server(text: str) -> tuple[str, int]:
    """Address and port of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raises ConfigError for anything else.
    """
    host, port = text, "53"
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or ("53" if closed else "")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = str(ip_address(host))
    except ValueError:
        address = ""
    if not address or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigError([f"{text!r} is no address of a resolver"], hint="Write it as 192.0.2.1:53.")
    return address, int(port)


class Dns:
    """One run's questions; every answer is remembered. May be used by several threads at once."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._answers: dict[tuple[str, str], Answer] = {}
        self._silences = 0
        self._heard = False
        self.trouble = ""
        """Why nothing that the resolver says is believed; empty where there is no reason."""
        self._resolver = self._made()

    def ask(self, name: str, kind: str) -> Answer:
        """The records of type `kind` (such as TXT) at `name`."""
        if self.trouble:
            return Answer(name, kind, Known.UNKNOWN, trouble=self.trouble)
        key = (name, kind)
        if key not in self._answers:
            self._answers[key] = self._ask(*key)
        return self._answers[key]

    def ask_all(self, questions: Iterable[tuple[str, str]]) -> None:
        """Ask many at once, for `ask` to know the answers."""
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda question: self.ask(*question), dict.fromkeys(questions)))

    def test(self) -> None:
        """Ask what must and what cannot exist; after a wrong answer nothing more is asked or believed."""
        self.ask_all(((CONTROL_PRESENT, "NS"), (CONTROL_ABSENT, "TXT")))
        denies = self.ask(CONTROL_PRESENT, "NS").absent
        if self.ask(CONTROL_ABSENT, "TXT").found:
            self.trouble = f"the resolver answers for {CONTROL_ABSENT}, a name that cannot exist"
        elif denies:
            self.trouble = f"the resolver denies that {CONTROL_PRESENT} exists"

    def _made(self) -> dns.resolver.Resolver | None:
        try:
            resolver = dns.resolver.Resolver(configure=not self._servers.addresses)
        except (dns.exception.DNSException, OSError):
            self.trouble = "this machine names no resolver; name one with --resolver"
            return None
        if self._servers.addresses:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*each) for each in self._servers.addresses]
        return resolver

    def _ask(self, name: str, kind: str) -> Answer:
        if self._resolver is None or (not self._heard and self._silences >= MAX_SILENCES):
            return Answer(name, kind, Known.UNKNOWN, trouble="no resolver answers")
        try:
            answer = self._resolver.resolve(
                name, kind, lifetime=self._servers.timeout_seconds, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            self._heard = True
            return Answer(name, kind, Known.NO_NAME)
        except (dns.exception.DNSException, OSError) as error:
            return Answer(name, kind, Known.UNKNOWN, trouble=self._explained(error))
        self._heard = True
        return _read(answer, name, kind)

    def _explained(self, error: Exception) -> str:
        if isinstance(error, dns.resolver.NoNameservers):
            self._heard = True
            words = sorted({str(each[3]) for each in error.kwargs["errors"]})
            return clean(f"the resolver answered {', '.join(words)}", 200)
        if isinstance(error, dns.exception.Timeout):
            self._silences += 1
            return f"no answer within {self._servers.timeout_seconds:g} seconds"
        return clean(f"the question failed: {error}", 200)


def _read(answer: dns.resolver.Answer, name: str, kind: str) -> Answer:
    if answer.rrset is not None:
        values = sorted(clean(_text(record), _MAX_CHARS) for record in list(answer.rrset)[:_MAX_VALUES])
        return Answer(name, kind, Known.FOUND, tuple(values))
    if not _is_authoritative(answer.response):
        return Answer(name, kind, Known.UNKNOWN, trouble="the server only refers to others")
    return Answer(name, kind, Known.NO_DATA)


def _is_authoritative(response: dns.message.Message) -> bool:
    """False for a referral: an empty answer of a server that is neither asked for others nor in charge."""
    signed_off = any(each.rdtype == dns.rdatatype.SOA for each in response.authority)
    return signed_off or bool(response.flags & (dns.flags.RA | dns.flags.AA))


def _text(record: dns.rdata.Rdata) -> str:
    if record.rdtype == dns.rdatatype.TXT:
        return b"".join(record.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    return " ".join(word.rstrip(".") or "." for word in record.to_text().lower().split(" "))
