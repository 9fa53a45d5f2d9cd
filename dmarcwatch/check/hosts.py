"""Host names of addresses by reverse DNS, many at once, each confirmed by an address of its own.

A PTR record is what the network's owner claims; only a name that leads back to the address is believed.
Asked only where somebody switched it on, because the questions tell a resolver who sends mail as the domain.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver
import dns.reversename

from dmarcwatch.check.resolver import Servers
from dmarcwatch.text import clean

_MAX_NAMES = 3
"""Names of one address that are tried; honest hosts have one."""
_MAX_CHARS = 253


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be asked in one run."""

    max_addresses: int = 200
    at_once: int = 50
    seconds: float = 20.0
    """For all together; what is not answered by then stays unknown and is asked again another time."""


BOUNDS = Bounds()


def host_names(addresses: Iterable[str], servers: Servers, bounds: Bounds = BOUNDS) -> dict[str, str | None]:
    """The confirmed host name of each address, None where DNS says that it has none.

    Addresses that nobody could answer for in time are left out.
    """
    wanted = list(dict.fromkeys(addresses))[: bounds.max_addresses]
    if not wanted:
        return {}
    try:
        resolver = _resolver(servers)
    except (dns.exception.DNSException, OSError):
        return {}
    return asyncio.run(_all(resolver, wanted, bounds))


def _resolver(servers: Servers) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=not servers.addresses)
    if servers.addresses:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*each) for each in servers.addresses]
    resolver.lifetime = servers.timeout_seconds
    return resolver


async def _all(
    resolver: dns.asyncresolver.Resolver, addresses: Sequence[str], bounds: Bounds
) -> dict[str, str | None]:
    slots = asyncio.Semaphore(bounds.at_once)
    found: dict[str, str | None] = {}

    async def one(address: str) -> None:
        async with slots:
            try:
                found[address] = await _confirmed(resolver, address)
            except (dns.exception.DNSException, OSError):
                return  # Nobody knows, so nothing is kept.

    tasks = [asyncio.create_task(one(address)) for address in addresses]
    _, late = await asyncio.wait(tasks, timeout=bounds.seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return found


async def _confirmed(resolver: dns.asyncresolver.Resolver, address: str) -> str | None:
    """A name of the address that leads back to it; None where there is none. Raises where nobody knows."""
    pointer = dns.reversename.from_address(address)
    for name in (await _values(resolver, pointer.to_text(), "PTR"))[:_MAX_NAMES]:
        kind = "AAAA" if ":" in address else "A"
        if address in await _values(resolver, name, kind):
            return clean(name.rstrip(".").lower(), _MAX_CHARS)
    return None


async def _values(resolver: dns.asyncresolver.Resolver, name: str, kind: str) -> list[str]:
    try:
        answer = await resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    return [record.to_text() for record in answer.rrset or ()]
