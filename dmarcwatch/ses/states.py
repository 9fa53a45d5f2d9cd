"""Amazon SES in aggregate reports: what identifies it, and the state its mail is in (JUDGEMENT 1).

Facts with their dates and sources are in ses.toml. SES signs every message a second time as
amazonses.com, which proves it from any address; its return path and addresses show it as well.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from ipaddress import IPv4Network
from typing import NamedTuple

SES = "amazon-ses"
"""Its id in senders.toml."""
SES_DOMAIN = "amazonses.com"
"""The d= of its own signature and the domain of its return paths and host names."""


class SesState(StrEnum):
    """How a message of SES authenticates; the words of DESIGN 3.3."""

    BOTH_ALIGNED = "both-aligned"
    DKIM_ONLY = "dkim-only"
    STRICT_ASPF = "strict-aspf"
    MAIL_FROM_SPF_BROKEN = "mail-from-spf-broken"
    NULL_RETURN_PATH = "null-return-path"
    FOREIGN_RETURN_PATH = "foreign-return-path"
    SPF_ONLY = "spf-only"
    SPF_ONLY_DKIM_BROKEN = "spf-only-dkim-broken"
    STRICT_ADKIM = "strict-adkim"
    OWN_DKIM_BROKEN = "own-dkim-broken"
    ALTERED = "altered"
    VENDOR_UNALIGNED = "vendor-unaligned"
    AMAZONSES_ONLY = "amazonses-only"
    FORGED_RETURN_PATH = "forged-return-path"
    """Only claims to be SES."""


class Own(StrEnum):
    """The signatures in the From domain's organisation, taken together."""

    ABSENT = "absent"
    BROKEN = "broken"
    """Present, and none passes."""
    UNALIGNED = "unaligned"
    """One passes, none of those that pass is aligned (adkim=s)."""
    ALIGNED = "aligned"


class Signed(StrEnum):
    """The signature of amazonses.com."""

    ABSENT = "absent"
    FAILED = "failed"
    PASSED = "passed"


class ReturnPath(StrEnum):
    """Whose the domain is that SPF was asked for."""

    DEFAULT = "default"
    """`amazonses.com`, or a region's subdomain of it."""
    HELO = "helo"
    """The name of an SES host, which stands in for an empty MAIL FROM (RFC 7208 section 2.4)."""
    OWN = "own"
    """The From domain's organisation: a custom MAIL FROM."""
    FOREIGN = "foreign"
    NONE = "none"
    """No MAIL FROM result with a domain in the report."""


class SesSigns(NamedTuple):
    """All that a record's SES state depends on."""

    own: Own
    ses: Signed
    return_path: ReturnPath
    spf_pass: bool
    """SPF passes for that return path."""
    spf_aligned: bool
    """It passes and is aligned."""
    direct: bool | None
    """The source address is SES's; None where no address is known."""
    vendor: bool
    """A signature passes that is neither own nor of amazonses.com."""


class SesVerdict(NamedTuple):
    """Whether SES sent it, in which state, and whether somebody forwarded it."""

    state: SesState | None
    """None for mail that has nothing to do with SES."""
    sent: bool
    """True for mail of SES; `forged-return-path` is not."""
    forwarded: bool


@lru_cache(maxsize=4096)  # There are 1,440 combinations.
def ses_state(signs: SesSigns) -> SesVerdict:
    """The state of a record: the first line of JUDGEMENT 1 that matches."""
    claims = signs.return_path in (ReturnPath.DEFAULT, ReturnPath.HELO)
    if not (signs.ses is Signed.PASSED or signs.direct or (claims and signs.spf_pass)):
        forged = claims and signs.own is not Own.ALIGNED
        return SesVerdict(SesState.FORGED_RETURN_PATH if forged else None, sent=False, forwarded=False)
    # An unknown address is no evidence of a forwarder.
    forwarded = signs.ses is Signed.PASSED and signs.direct is False
    state = next(line.state for line in _LINES if line.matches(signs, forwarded))
    return SesVerdict(state, sent=True, forwarded=forwarded)


class _Line(NamedTuple):
    state: SesState
    matches: Callable[[SesSigns, bool], bool]


def _own_return_path_broken(signs: SesSigns) -> bool:
    return signs.return_path is ReturnPath.OWN and not signs.spf_pass


def _own_return_path_unaligned(signs: SesSigns) -> bool:
    return signs.return_path is ReturnPath.OWN and signs.spf_pass and not signs.spf_aligned


def _came_from_ses(signs: SesSigns) -> bool:
    """SES's own sign is whole, or only the reporter left it out: what broke, broke before SES sent it."""
    if signs.ses is not Signed.ABSENT:
        return signs.ses is Signed.PASSED
    return bool(signs.direct) or (signs.return_path is ReturnPath.DEFAULT and signs.spf_pass)


def _aligned(condition: Callable[[SesSigns], bool]) -> Callable[[SesSigns, bool], bool]:
    return lambda s, forwarded: s.own is Own.ALIGNED and condition(s)


_LINES = (
    # Forwarded: SPF speaks of the forwarder, so only signatures count.
    _Line(SesState.DKIM_ONLY, lambda s, forwarded: forwarded and s.own is Own.ALIGNED),
    _Line(SesState.ALTERED, lambda s, forwarded: forwarded and not s.spf_aligned and s.own is Own.BROKEN),
    _Line(
        SesState.AMAZONSES_ONLY, lambda s, forwarded: forwarded and not s.spf_aligned and s.own is Own.ABSENT
    ),
    # An aligned own signature passes: what about the return path?
    _Line(SesState.BOTH_ALIGNED, _aligned(lambda s: s.return_path is ReturnPath.OWN and s.spf_aligned)),
    _Line(SesState.STRICT_ASPF, _aligned(_own_return_path_unaligned)),
    _Line(SesState.MAIL_FROM_SPF_BROKEN, _aligned(lambda s: _own_return_path_broken(s) and bool(s.direct))),
    _Line(SesState.NULL_RETURN_PATH, _aligned(lambda s: s.return_path is ReturnPath.HELO)),
    _Line(SesState.FOREIGN_RETURN_PATH, _aligned(lambda s: s.return_path is ReturnPath.FOREIGN)),
    _Line(SesState.DKIM_ONLY, _aligned(lambda s: True)),
    # Only SPF holds it.
    _Line(SesState.SPF_ONLY, lambda s, _: s.spf_aligned and s.own is not Own.BROKEN),
    _Line(SesState.SPF_ONLY_DKIM_BROKEN, lambda s, _: s.spf_aligned),
    # DMARC fails: what is there to mend?
    _Line(SesState.STRICT_ADKIM, lambda s, _: s.own is Own.UNALIGNED),
    _Line(SesState.OWN_DKIM_BROKEN, lambda s, _: s.own is Own.BROKEN and _came_from_ses(s)),
    _Line(SesState.ALTERED, lambda s, _: s.own is Own.BROKEN),
    _Line(SesState.STRICT_ASPF, lambda s, _: _own_return_path_unaligned(s)),
    _Line(SesState.MAIL_FROM_SPF_BROKEN, lambda s, _: _own_return_path_broken(s)),
    _Line(SesState.VENDOR_UNALIGNED, lambda s, _: s.vendor),
    _Line(SesState.AMAZONSES_ONLY, lambda s, _: True),
)
"""JUDGEMENT 1, in its order."""


@dataclass(frozen=True, slots=True)
class SesFacts:
    """What ses.toml knows, ready for look-ups."""

    default_return_path: re.Pattern[str]
    default_region: str
    """The region that default return paths and host names do not name."""
    host: re.Pattern[str]
    feedback_mx: re.Pattern[str]
    """The MX of a custom MAIL FROM domain; its group `region` is where bounces go."""
    mail_from_txt: str
    easy_selector: re.Pattern[str]
    service_regions: Mapping[str, str]
    """Selector of amazonses.com -> region."""
    default_zone: str
    zones: Mapping[str, str]
    """Region -> the zone its Easy DKIM CNAMEs point into, where it is not the default one."""
    regions: tuple[str, ...]
    """Every commercial region with SES."""
    ranges: Mapping[str, tuple[tuple[int, int], ...]]
    """First octet -> first and last address of the published ranges that begin with it."""
    families: Mapping[str, str]
    """First letter of a host name -> first half of its address."""


@lru_cache(maxsize=1)
def facts() -> SesFacts:
    """The packaged facts."""
    table = tomllib.loads(resources.files("dmarcwatch.ses").joinpath("ses.toml").read_text("utf-8"))
    path, dkim, ip = table["return_path"], table["dkim"], table["ip"]
    ranges: dict[str, tuple[tuple[int, int], ...]] = {}
    for network in map(IPv4Network, ip["cidrs"]):
        head = str(network).partition(".")[0]
        ranges[head] = (*ranges.get(head, ()), (int(network[0]), int(network[-1])))
    return SesFacts(
        default_return_path=re.compile(path["default_regex"]),
        default_region=path["default_region"],
        host=re.compile(path["helo_regex"]),
        feedback_mx=re.compile(path["feedback_mx_regex"]),
        mail_from_txt=path["mail_from_txt"],
        easy_selector=re.compile(dkim["easy_selector_regex"]),
        service_regions=table["service_selectors"]["region"],
        default_zone=dkim["default_zone"],
        zones=dkim["region_zone"],
        regions=tuple(table["regions"]["commercial"]),
        ranges=ranges,
        families=ip["ptr_family"],
    )


def is_ses_address(ip: str) -> bool:
    """True if the address (canonical text) is in SES's ranges as of ses.toml; SES sends over IPv4 only."""
    ranges = facts().ranges.get(ip.partition(".")[0])
    if ranges is None:  # Nearly every other address, for the cost of one look-up.
        return False
    address = int.from_bytes(map(int, ip.split(".")), "big")  # A third of what IPv4Address costs.
    return any(low <= address <= high for low, high in ranges)


def is_ses_host(host: str, ip: str) -> bool:
    """True if a confirmed host name is SES's.

    Its names carry the address they stand for, so one that carries another address is not believed.
    """
    match = facts().host.match(host)
    if match is None:
        return is_ses_domain(host)
    half = facts().families.get(match["family"])
    octets = ip.split(".")
    return octets[2:] == [match["third"], match["fourth"]] and half in (None, ".".join(octets[:2]))


def ses_return_path(domain: str) -> tuple[ReturnPath, str | None] | None:
    """Kind and region of a return path that is SES's own; None for every other domain.

    A form that is not known yet (new partitions) is a default return path without a region.
    """
    if not is_ses_domain(domain):
        return None
    for kind, expression in (
        (ReturnPath.DEFAULT, facts().default_return_path),
        (ReturnPath.HELO, facts().host),
    ):
        match = expression.match(domain)
        if match is not None:
            return kind, match["region"] or facts().default_region
    return ReturnPath.DEFAULT, None


def is_ses_domain(domain: str) -> bool:
    """True for amazonses.com and all below it; `amazonaws.com` (EC2) is not SES."""
    return domain == SES_DOMAIN or domain.endswith(f".{SES_DOMAIN}")


def dkim_zone(region: str | None) -> str:
    """The zone that Easy DKIM's CNAMEs point into; eleven regions have one of their own."""
    return facts().zones.get(region or "", facts().default_zone)


def is_easy_dkim_selector(selector: str) -> bool:
    """True for the form of Easy DKIM's tokens. Not proof of SES: Stripe's have the same form."""
    return facts().easy_selector.match(selector) is not None
