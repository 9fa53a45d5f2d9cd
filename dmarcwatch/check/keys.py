"""Keys of reporters' signatures from DNS, each asked once, and not for ever when nobody answers.

Whoever sends a mail names the domain whose key is asked for, and may let its name servers keep silent. So
strangers' names have a purse of seconds of their own: emptying it leaves the known reporters' keys alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from dmarcwatch.check.arrival import verify
from dmarcwatch.check.trusting import Verify
from dmarcwatch.trust import known_reporters


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one run waits for name servers."""

    timeout_seconds: float = 5.0
    """For one name, all tries together."""
    silences: int = 3
    """Look-ups of known reporters' keys in a row without any answer, after which no more are made: cron on a
    machine without DNS must not wait five seconds for each of ten thousand mails."""
    strangers_seconds: float = 30.0
    """For the keys of all domains together that no known reporter sends from. Their signatures make a report
    `consistent` at best, which decides nothing (JUDGEMENT 5)."""
    clock: Callable[[], float] = monotonic
    """In seconds."""


def arrival_verifier(*, nameserver: str | None = None, port: int = 53) -> Verify:
    """Checks a mail's aligned signatures against DNS; `nameserver` stands in for the system's resolvers."""
    return partial(verify, lookup=Keys(nameserver, port).key)


class Keys:
    """A cache of key records for one run."""

    def __init__(
        self, nameserver: str | None = None, port: int = 53, patience: Patience = Patience()
    ) -> None:
        self._nameserver = nameserver
        self._port = port
        self._reporters = known_reporters()
        self._patience = patience
        self._purse = patience.strangers_seconds
        self._known: dict[str, bytes | None] = {}
        self._silences = 0
        self._resolver: Any = None

    def key(self, name: str) -> bytes | None:
        """The TXT record at a name with its strings joined; None where there is none or nobody answers."""
        if name not in self._known:
            known = self._reporters.sends_from(name.partition("._domainkey.")[2])
            self._known[name] = self._ask_reporter(name) if known else self._ask_stranger(name)
        return self._known[name]

    def _ask_stranger(self, name: str) -> bytes | None:
        if self._purse <= 0:
            return None
        begun = self._patience.clock()
        key = self._ask(name)[1]
        self._purse -= self._patience.clock() - begun
        return key

    def _ask_reporter(self, name: str) -> bytes | None:
        if self._silences >= self._patience.silences:
            return None
        answered, key = self._ask(name)
        self._silences = 0 if answered else self._silences + 1
        return key

    def _ask(self, name: str) -> tuple[bool, bytes | None]:
        """Whether anybody answered, and the key."""
        # A quarter of a second to load, and most runs read mails that their host has judged already.
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            asked = dns.name.from_text(name)
        except dns.exception.DNSException:  # A signature may name what can stand in no DNS.
            return True, None
        try:
            answer = self._ready().resolve(asked, "TXT", lifetime=self._patience.timeout_seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return True, None
        except (dns.exception.DNSException, OSError):
            return False, None
        return True, b"".join(next(iter(answer)).strings)

    def _ready(self) -> Any:
        import dns.resolver

        if self._resolver is None:
            self._resolver = dns.resolver.Resolver(configure=self._nameserver is None)
            if self._nameserver is not None:
                self._resolver.nameservers = [self._nameserver]
                self._resolver.port = self._port
        return self._resolver
