"""Keys of reporters' signatures from DNS, each asked once, and not for ever when nobody answers."""

from functools import partial
from typing import Any

from dmarcwatch.check.arrival import verify
from dmarcwatch.check.trusting import Verify

TIMEOUT_SECONDS = 5.0
"""For one name, all tries together."""
MAX_SILENCES = 3
"""Look-ups in a row without any answer, after which this run asks no more: cron on a machine without DNS
must not wait five seconds for each of ten thousand mails."""


def arrival_verifier(*, nameserver: str | None = None, port: int = 53) -> Verify:
    """Checks a mail's aligned signatures against DNS; `nameserver` stands in for the system's resolvers."""
    return partial(verify, lookup=Keys(nameserver, port).key)


class Keys:
    """A cache of key records for one run."""

    def __init__(self, nameserver: str | None, port: int) -> None:
        self._nameserver = nameserver
        self._port = port
        self._known: dict[str, bytes | None] = {}
        self._silences = 0
        self._resolver: Any = None

    def key(self, name: str) -> bytes | None:
        """The TXT record at a name with its strings joined; None where there is none or nobody answers."""
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def _ask(self, name: str) -> bytes | None:
        # A quarter of a second to load, and most runs read mails that their host has judged already.
        import dns.exception
        import dns.resolver

        if self._silences >= MAX_SILENCES:
            return None
        try:
            answer = self._ready().resolve(name, "TXT", lifetime=TIMEOUT_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            self._silences = 0
            return None
        except (dns.exception.DNSException, OSError):
            self._silences += 1
            return None
        self._silences = 0
        return b"".join(next(iter(answer)).strings)

    def _ready(self) -> Any:
        import dns.resolver

        if self._resolver is None:
            self._resolver = dns.resolver.Resolver(configure=self._nameserver is None)
            if self._nameserver is not None:
                self._resolver.nameservers = [self._nameserver]
                self._resolver.port = self._port
        return self._resolver
