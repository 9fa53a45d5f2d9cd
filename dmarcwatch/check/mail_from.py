"""A custom MAIL FROM domain of Amazon SES: exactly one MX, the right host, and SPF (AWS guide, MAIL FROM)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dmarcwatch.check.remarks import Remark, fix, unknown, warn, well
from dmarcwatch.check.resolver import Answer, Dns
from dmarcwatch.check.spf import SpfFound, spf_of
from dmarcwatch.ses import facts

_FALLBACK = "so SES falls back to its own return path, which never aligns."


@dataclass(frozen=True, slots=True)
class MailFrom:
    """What is published for one MAIL FROM domain."""

    domain: str
    exchanges: tuple[str, ...]
    """Preference and host of each MX."""
    sound: bool | None
    """Whether SES finds the one MX it wants; None where nobody knows."""
    region: str | None
    """The region that bounces go to; another than the sending one is no error."""
    spf: SpfFound
    remarks: tuple[Remark, ...]


def mail_from_of(dns: Dns, domain: str, *, region: str | None) -> MailFrom:
    """The MAIL FROM domain `domain`, which SES of `region` sends with."""
    answer = dns.ask(domain, "MX")
    spf = spf_of(dns, domain)
    named = [facts().feedback_mx.match(value.rpartition(" ")[2]) for value in answer.values]
    sound = None if answer.unknown else len(named) == 1 and named[0] is not None
    return MailFrom(
        domain=domain,
        exchanges=answer.values,
        sound=sound,
        region=next((match["region"] for match in named if match), None),
        spf=spf,
        remarks=(*_exchange(answer, sound, region or "<region>"), *_missing(spf), *_without_ses(spf)),
    )


def is_mail_from(dns: Dns, domain: str) -> bool:
    """Whether an MX says that the domain is a MAIL FROM of somebody's SES account, such as a vendor's."""
    values = dns.ask(domain, "MX").values
    return any(facts().feedback_mx.match(value.rpartition(" ")[2]) for value in values)


def _exchange(answer: Answer, sound: bool | None, region: str) -> Iterator[Remark]:
    record = f"DNS: {answer.name} MX 10 feedback-smtp.{region}.amazonses.com"
    if sound is None:
        yield unknown(answer.name, answer.trouble)
    elif sound:
        yield well(answer.name, f"MX {answer.values[0]}")
    elif not answer.values:
        yield fix(answer.name, f"It has no MX, {_FALLBACK}", record)
    elif len(answer.values) > 1:
        yield fix(
            answer.name,
            f"It has {len(answer.values)} MX records where SES wants exactly one, {_FALLBACK}",
            *(f"now: MX {value}" for value in answer.values),
            record,
        )
    else:
        yield fix(answer.name, f"Its MX, {answer.values[0]}, is not SES's, {_FALLBACK}", record)


def _missing(spf: SpfFound) -> Iterator[Remark]:
    """What is to be said of the SPF record, with the one to publish where there is none."""
    line = f'DNS: {spf.domain} TXT "{facts().mail_from_txt}"'
    absent = spf.known and spf.record is None
    for remark in spf.remarks:
        yield replace(remark, fix=(line,)) if absent and not remark.fix else remark


def _without_ses(spf: SpfFound) -> Iterator[Remark]:
    if spf.record is None or not spf.known or spf.includes_ses():
        return
    # A second SPF record would make a permerror of both (RFC 7208 section 4.5).
    version, _, terms = spf.record.partition(" ")
    merged = " ".join(filter(None, (version, "include:amazonses.com", terms.strip())))
    lines = (f'DNS: {spf.domain} TXT "{merged}"', f'  instead of "{spf.record}"')
    if "ip4:" in spf.record.lower():
        yield warn(
            spf.domain, "SPF lists addresses and does not include amazonses.com, whose change.", *lines
        )
    else:
        yield fix(spf.domain, "SPF does not include amazonses.com, so it fails for mail of SES.", *lines)
