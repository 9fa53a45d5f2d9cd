"""The Amazon SES account of today, region by region: what it says of one domain's identities and of itself.

Nothing is changed. What a region does not tell is None, and `troubles` says why.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dmarcwatch.check.ses_calls import NO_ANSWER, NOT_HERE, Action, Calls, Client
from dmarcwatch.domains import same_organisation
from dmarcwatch.text import clean

WORKERS = 8
MAX_IDENTITIES = 50
"""Identities of the domain that are looked at in one region: itself and its parents first."""
_MAX_CHARS = 300
_METRIC_HOURS = 48
"""How old a reputation metric may be; SES writes them while it sends."""


class Rates(NamedTuple):
    """What SES thinks of the account's mail, as shares; None where it says nothing."""

    bounce: float | None
    complaint: float | None


NO_RATES = Rates(None, None)


class Recommendation(NamedTuple):
    """One open recommendation of the advisor (Virtual Deliverability Manager)."""

    kind: str
    text: str
    impact: str


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity that may send as the domain."""

    name: str
    """A domain, or an address."""
    known: bool
    """False where only its name could be listed; all that follows is None then."""
    verified: bool | None = None
    signing: bool | None = None
    """Whether signatures are switched on."""
    dkim_status: str | None = None
    """PENDING, SUCCESS, FAILED, TEMPORARY_FAILURE or NOT_STARTED."""
    selectors: tuple[str, ...] = ()
    zone: str | None = None
    """Where its CNAMEs point into; None before 2025-12 and for keys of one's own."""
    mail_from: str | None = None
    mail_from_status: str | None = None
    configuration_set: str | None = None
    """The default one of the identity."""
    forwards_feedback: bool | None = None

    @property
    def is_address(self) -> bool:
        """An address of its own overrides the domain's settings."""
        return "@" in self.name

    @property
    def signs(self) -> bool | None:
        """Whether mail leaves signed as the domain; None where nobody knows."""
        if self.signing is None or self.dkim_status is None:
            return None
        return self.signing and self.dkim_status == "SUCCESS"


@dataclass(frozen=True, slots=True)
class Region:
    """One region of the account."""

    name: str
    troubles: Mapping[Action, str]
    identities: tuple[Identity, ...] = ()
    """Those of the domain's organisation."""
    whole: bool = True
    """False where they could not be listed: there may be others, and that none is known says nothing."""
    production: bool | None = None
    """False in the sandbox, which sends to verified addresses only."""
    enforcement: str | None = None
    """HEALTHY, PROBATION (under review) or SHUTDOWN (paused)."""
    sending: bool | None = None
    destinations: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    """Default configuration set -> enabled event destinations; None where they are not known."""
    dedicated: frozenset[str] | None = None
    rates: Rates = NO_RATES
    recommendations: tuple[Recommendation, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether it is not enabled in this account, unless the credentials are wrong."""
        return NOT_HERE in self.troubles.values()


@dataclass(frozen=True, slots=True)
class Account:
    """All regions that were asked."""

    regions: tuple[Region, ...]

    def region(self, name: str) -> Region | None:
        """One of them; None where it was not asked."""
        return next((region for region in self.regions if region.name == name), None)


def read_account(
    client: Client, domain: str, *, regions: Iterable[str], used: frozenset[str], now: datetime
) -> Account:
    """What the account says of `domain` in `regions`.

    Regions where it has no identity and that are not in `used` are not asked any further.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(
            lambda name: read_region(Calls(client, name), domain, used=name in used, now=now), regions
        )
        return Account(tuple(found))


def read_region(calls: Calls, domain: str, *, used: bool, now: datetime) -> Region:
    """What one region says."""
    names = [
        each["IdentityName"]
        for page in calls.pages(Action.LIST_IDENTITIES, PageSize=1000)
        for each in page["EmailIdentities"]
        if _is_of(each["IdentityName"], domain)
    ]
    trouble = calls.troubles.get(Action.LIST_IDENTITIES)
    if not names and (not used or trouble in (NOT_HERE, NO_ANSWER)):
        return Region(calls.region, calls.troubles, whole=trouble is None)
    identities = tuple(_identities(calls, names if trouble is None else [domain, *names]))
    account = calls.ask(Action.GET_ACCOUNT) or {}
    sets = sorted({each.configuration_set for each in identities if each.configuration_set})
    advised = account.get("VdmAttributes", {}).get("VdmEnabled") == "ENABLED"
    return Region(
        name=calls.region,
        troubles=calls.troubles,
        identities=identities,
        whole=trouble is None,
        production=account.get("ProductionAccessEnabled"),
        enforcement=account.get("EnforcementStatus"),
        sending=account.get("SendingEnabled"),
        destinations={each: _destinations(calls, each) for each in sets},
        dedicated=_dedicated(calls),
        rates=_rates(calls, now),
        recommendations=tuple(_recommendations(calls, domain)) if advised else (),
    )


def _is_of(name: str, domain: str) -> bool:
    return same_organisation(name.rpartition("@")[2].lower(), domain, domain)


def _identities(calls: Calls, names: Iterable[str]) -> Iterator[Identity]:
    """Each in detail; where they could not be listed, the domain itself is asked for all the same."""
    ordered = sorted(set(names), key=lambda name: ("@" in name, name.count("."), name))
    for name in ordered[:MAX_IDENTITIES]:
        found = calls.ask(Action.GET_IDENTITY, EmailIdentity=name)
        if found is None:
            yield Identity(name.lower(), known=False)
        elif found:
            yield _identity(name, found)


def _identity(name: str, found: Mapping[str, Any]) -> Identity:
    dkim, path = found.get("DkimAttributes", {}), found.get("MailFromAttributes", {})
    return Identity(
        name=name.lower(),
        known=True,
        verified=found.get("VerifiedForSendingStatus"),
        signing=dkim.get("SigningEnabled"),
        dkim_status=dkim.get("Status"),
        selectors=tuple(token.lower() for token in dkim.get("Tokens", ())),
        zone=dkim.get("SigningHostedZone"),
        mail_from=path.get("MailFromDomain", "").lower() or None,
        mail_from_status=path.get("MailFromDomainStatus"),
        configuration_set=found.get("ConfigurationSetName"),
        forwards_feedback=found.get("FeedbackForwardingStatus"),
    )


def _destinations(calls: Calls, name: str) -> tuple[str, ...] | None:
    found = calls.ask(Action.GET_DESTINATIONS, ConfigurationSetName=name)
    if found is None:
        return None
    return tuple(each["Name"] for each in found.get("EventDestinations", ()) if each.get("Enabled"))


def _dedicated(calls: Calls) -> frozenset[str] | None:
    pages = calls.pages(Action.GET_DEDICATED_IPS)
    addresses = frozenset(each["Ip"] for page in pages for each in page.get("DedicatedIps", ()))
    return None if Action.GET_DEDICATED_IPS in calls.troubles else addresses


def _rates(calls: Calls, now: datetime) -> Rates:
    """The newest reputation metrics, which SES writes to CloudWatch as shares."""
    found = calls.ask(
        Action.GET_METRICS,
        MetricDataQueries=[_query("bounce", "BounceRate"), _query("complaint", "ComplaintRate")],
        StartTime=now - timedelta(hours=_METRIC_HOURS),
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    values = {each["Id"]: each["Values"] for each in (found or {}).get("MetricDataResults", ())}
    bounce, complaint = values.get("bounce"), values.get("complaint")
    return Rates(bounce[0] if bounce else None, complaint[0] if complaint else None)


def _query(identity: str, metric: str) -> dict[str, Any]:
    return {
        "Id": identity,
        "MetricStat": {
            "Metric": {"Namespace": "AWS/SES", "MetricName": f"Reputation.{metric}"},
            "Period": 3600,
            "Stat": "Average",
        },
    }


def _recommendations(calls: Calls, domain: str) -> list[Recommendation]:
    """Open ones on the domain's identities; one page, because AWS allows one such call a second."""
    found = calls.ask(Action.LIST_RECOMMENDATIONS, Filter={"STATUS": "OPEN"}, PageSize=100) or {}
    return [
        Recommendation(
            each.get("Type", ""), clean(each.get("Description", ""), _MAX_CHARS), each.get("Impact", "")
        )
        for each in found.get("Recommendations", ())
        if _is_of(each.get("ResourceArn", "").rpartition("/")[2], domain)
    ]
