"""One domain as the world has it today: DNS, the Amazon SES account, and who operates unknown networks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dmarcwatch.check.dns_join import dns_joined, policy_joined
from dmarcwatch.check.dnscheck import DnsFound, check_dns
from dmarcwatch.check.join import ses_remarks
from dmarcwatch.check.operators import operator_of, sender_name
from dmarcwatch.check.remarks import Remark, Weight, note
from dmarcwatch.check.resolver import Dns
from dmarcwatch.check.ses_account import Account, read_account
from dmarcwatch.check.ses_calls import Client
from dmarcwatch.ses import facts
from dmarcwatch.sightings import NetworkSeen, Sightings
from dmarcwatch.text import count


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found, and all that is to be said of it."""

    domain: str
    at: datetime
    seen: Sightings
    dns: DnsFound
    account: Account | None
    """None where it was not asked."""
    no_account: str
    """Why not; empty where it was."""
    remarks: tuple[Remark, ...]

    @property
    def exit_status(self) -> int:
        """1 where something is to be mended, 3 where nothing could be looked up, else 0."""
        if any(remark.weight is Weight.FIX for remark in self.remarks):
            return 1
        told = self.account is not None and any(region.whole for region in self.account.regions)
        return 3 if self.dns.nothing_known and not told else 0


@dataclass(frozen=True, slots=True)
class World:
    """Whom to ask."""

    dns: Dns
    ses: Client | None
    no_ses: str = ""
    """Why Amazon SES is not asked; empty where it is."""
    regions: tuple[str, ...] = ()
    """Regions to ask; all of them, and those that reports showed, where empty."""


def examine(
    domain: str, seen: Sightings, world: World, *, now: datetime, hosts: Mapping[str, str]
) -> Checked:
    """Ask the world about `domain`; `hosts` are the host names of addresses, as far as they are known."""
    world.dns.test()
    found = check_dns(world.dns, domain, seen)
    account = None
    remarks = [*policy_joined(seen, found.discovery), *found.remarks]
    if world.ses is not None:
        regions = world.regions or tuple(sorted({*facts().regions, *filter(_is_region, seen.regions)}))
        account = read_account(world.ses, domain, regions=regions, used=frozenset(seen.regions), now=now)
        remarks += ses_remarks(seen, account, found.mail_from)
    asked = frozenset(region.name for region in account.regions if region.whole) if account else frozenset()
    remarks += dns_joined(seen, found, asked=asked)
    remarks += network_remarks(seen.networks, hosts)
    return Checked(domain, now, seen, found, account, world.no_ses, tuple(dict.fromkeys(remarks)))


def _is_region(name: str) -> bool:
    """False for `unknown-region`, the place of SES mail that names none."""
    return name[-1:].isdigit()


def network_remarks(networks: Iterable[NetworkSeen], hosts: Mapping[str, str]) -> list[Remark]:
    """Who is behind the networks that nothing explains; nothing of that says whose mail it is."""
    return [_network(each, hosts) for each in networks]


def _network(seen: NetworkSeen, hosts: Mapping[str, str]) -> Remark:
    operator = operator_of(seen.network.partition("/")[0])
    who = operator.name or "an operator that the packaged database does not know"
    where = ", ".join(filter(None, (f"AS{operator.asn}" if operator.asn else "", operator.country)))
    names = []
    for address in seen.addresses:
        host = hosts.get(address)
        if host:
            sender = sender_name(host)
            names.append(f"{address} is {host}" + (f" ({sender})" if sender else ""))
    more = f"; {', '.join(names)}" if names else ""
    message = f"{count(seen.messages, 'message')} of {seen.header_from} came from {who}"
    return note(seen.network, f"{message}{f' ({where})' if where else ''}{more}. Whose are they?")
