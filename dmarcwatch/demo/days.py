"""Ninety invented days: the reports an organisation that does not exist would have received.

The world stands in demo.toml; this draws each day's mail from it and writes what reporters would have
sent. The same `as_of` always gives the same bytes.
"""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from io import BytesIO
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from random import Random
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from dmarcwatch.compose import Packing, Wrapping, compose, compose_mail, file_name
from dmarcwatch.demo.world import Domain, Mail, Reporter, Stream, world
from dmarcwatch.domains import aligned
from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Disposition,
    Dkim,
    DmarcResult,
    Evidence,
    Policy,
    PolicyPublished,
    Reason,
    ReasonType,
    Record,
    Report,
    Spf,
    SpfScope,
)

PUBLISHED = PolicyPublished(
    "",
    adkim=AlignmentMode.RELAXED,
    aspf=AlignmentMode.RELAXED,
    p=Policy.NONE,
    sp=Policy.NONE,
    np=Policy.NONE,
    pct=100,
    fo="0",
    testing=False,
    discovery_method="psl",
)
"""What every domain of the world publishes, before a reporter leaves out what it does not state."""

Network = IPv4Network | IPv6Network
Seen = dict[Reporter, list[Record]]


def ninety_days(as_of: date) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file that has come by the morning of `as_of`, oldest first."""
    for before in range(world().days, 0, -1):
        day = as_of - timedelta(days=before)
        for domain in world().domain:
            for reporter, records in _seen(domain, day, before).items():
                name, data = _file(reporter, _report(reporter, domain, day), records)
                yield name, data
                if before in reporter.sent_again:
                    yield f"again-{name}", data


def write(folder: Path, as_of: date) -> int:
    """Write the ninety days into `folder`, which is made if it is not there; how many files that were."""
    folder.mkdir(parents=True, exist_ok=True)
    files = 0
    for name, data in ninety_days(as_of):
        (folder / name).write_bytes(data)
        files += 1
    return files


def config() -> str:
    """The configuration that goes with the ninety days, as TOML: what no report can say."""
    return world().config


def _file(reporter: Reporter, report: Report, records: list[Record]) -> tuple[str, bytes]:
    name = f"{reporter.host}!{file_name(report).partition('!')[2].removesuffix('.xml')}"
    if reporter.mail:
        # Google's archive is the whole mail; the others' is attached to one.
        wrapping = Wrapping(reporter.packing, multipart=reporter.packing is not Packing.ZIP)
        return f"{name}.eml", compose_mail(report, records, wrapping)
    document = compose(report, records)
    if reporter.packing is Packing.ZIP:
        return f"{name}.zip", _zipped(f"{name}.xml", document)
    return f"{name}.xml.gz", gzip.compress(document, mtime=0)


def _zipped(name: str, document: bytes) -> bytes:
    held = BytesIO()
    with ZipFile(held, "w", ZIP_DEFLATED) as archive:
        # A ZipInfo of its own, because a name alone would stamp the time of writing.
        archive.writestr(ZipInfo(name), document, ZIP_DEFLATED)
    return held.getvalue()


def _seen(domain: Domain, day: date, before: int) -> Seen:
    """What each reporter saw of the domain on one day; those that saw nothing are not in it."""
    seen: Seen = {}
    for number, stream in enumerate(domain.stream):
        first, last = stream.days or (world().days, 1)
        if not last <= before <= first:
            continue
        rng = Random(f"{world().seed}/{domain.name}/{number}/{before}")
        messages = round(stream.per_weekday[day.weekday()] * rng.uniform(0.85, 1.15))
        addresses = _addresses(domain, stream, first - before, rng)
        audience = _audience(domain, stream, before)
        for (who, how, address), count in _drawn(
            stream, audience, addresses=addresses, messages=messages, rng=rng
        ).items():
            evidence = _evidence(domain, stream, stream.mail[how], audience[who])
            seen.setdefault(audience[who], []).append(Record(address, count, evidence))
    return seen


def _audience(domain: Domain, stream: Stream, before: int) -> list[Reporter]:
    """Who gets the stream's mail and reports on that day; those named first report every day."""
    chosen = stream.reporters or domain.reporters or [reporter.org_name for reporter in world().reporter]
    names = set(chosen) - set(stream.unseen_by)
    return [each for each in world().reporter if each.org_name in names and before % each.every == 0]


def _drawn(
    stream: Stream, audience: list[Reporter], *, addresses: list[str], messages: int, rng: Random
) -> Counter[tuple[int, int, str]]:
    """How many of the day's messages each reporter got of each way of `stream.mail` from each address."""
    who = rng.choices(range(len(audience)), [reporter.share for reporter in audience], k=messages)
    how = rng.choices(range(len(stream.mail)), [mail.weight for mail in stream.mail], k=messages)
    return Counter(zip(who, how, rng.choices(addresses, k=messages), strict=True))


def _addresses(domain: Domain, stream: Stream, day: int, rng: Random) -> list[str]:
    """The stream's addresses on its `day`th day."""
    networks = [ip_network(network) for network in stream.networks]
    if not stream.new_networks_daily:
        return [str(address) for network in networks for address in network]
    places = [(network, place) for network in networks for place in range(_places(network))]
    # One order for all days, so that no network comes back: one that does is a question to the owner.
    Random(f"{world().seed}/{domain.name}/{stream.networks}").shuffle(places)
    start = day * stream.new_networks_daily
    return [
        _host(network, place, rng) for network, place in places[start : start + stream.new_networks_daily]
    ]


def _width(network: Network) -> int:
    """What counts as one network of strangers: a /24 or a /48 (JUDGEMENT 2)."""
    return 24 if network.version == 4 else 48


def _places(network: Network) -> int:
    return 1 << (_width(network) - network.prefixlen)


def _host(network: Network, place: int, rng: Random) -> str:
    first = int(network.network_address) + (place << (network.max_prefixlen - _width(network)))
    return str(ip_address(first + rng.randrange(1, 255)))


def _evidence(domain: Domain, stream: Stream, mail: Mail, reporter: Reporter) -> Evidence:
    header_from = stream.header_from or domain.name
    signatures = [signature.split() for signature in mail.dkim]
    spf_domain, spf_result = mail.spf.split()
    reason, _, comment = (mail.reason or "").partition(" ")
    return Evidence(
        disposition=Disposition.NONE,
        dkim_evaluated=_evaluated(header_from, [(name, result) for name, _, result in signatures]),
        spf_evaluated=_evaluated(header_from, [(spf_domain, spf_result)]),
        reasons=(Reason(ReasonType(reason), comment or None),) if reason else (),
        header_from=header_from,
        envelope_from=spf_domain if "envelope" in reporter.names else None,
        envelope_to=reporter.envelope_to,
        dkim=tuple(
            Dkim(name, selector if "selector" in reporter.names else None, AuthResult(result))
            for name, selector, result in signatures
        ),
        spf=(Spf(spf_domain, SpfScope.MFROM if "scope" in reporter.names else None, AuthResult(spf_result)),),
    )


def _evaluated(header_from: str, results: list[tuple[str, str]]) -> DmarcResult:
    """The aligned outcome of one mechanism (RFC 9989 section 4.4): any aligned pass is one."""
    passed = (name for name, result in results if result == AuthResult.PASS)
    if any(aligned(name, header_from, strict=False, policy_domain=None) for name in passed):
        return DmarcResult.PASS
    return DmarcResult.FAIL


def _report(reporter: Reporter, domain: Domain, day: date) -> Report:
    begin = datetime.combine(day, time.min, UTC)
    end = begin + timedelta(days=1, seconds=0 if reporter.shared_midnight else -1)
    unstated = {"adkim", "aspf", "sp", "np", "pct", "fo", "testing", "discovery_method"} - set(
        reporter.states
    )
    return Report(
        org_name=reporter.org_name,
        org_email=reporter.email,
        report_id=_report_id(reporter, domain, end),
        begin=begin,
        end=end,
        policy=PUBLISHED._replace(domain=domain.name, **dict.fromkeys(unstated)),
        dialect=reporter.dialect,
        extra_contact_info=reporter.extra_contact_info,
    )


def _report_id(reporter: Reporter, domain: Domain, end: datetime) -> str:
    digest = sha256(f"{world().seed}/{reporter.org_name}/{domain.name}/{end}".encode()).digest()
    return reporter.report_id.format(
        number=int.from_bytes(digest[:8], "big"),
        short=int.from_bytes(digest[:4], "big") % 1_000_000,
        hex=digest[:16].hex(),
        uuid=UUID(bytes=digest[:16], version=4),
        end=int(end.timestamp()),
    )
