"""Which DMARC record speaks for a domain: the tree walk of RFC 9989, beside the way of RFC 7489."""

from collections.abc import Iterator
from dataclasses import dataclass

from dmarcwatch.check.record import (
    Destination,
    ReadRecord,
    destinations,
    is_record,
    lint,
    looks_like_record,
    read,
)
from dmarcwatch.check.remarks import Remark, fix, note, unknown, warn, well
from dmarcwatch.check.resolver import Answer, Dns
from dmarcwatch.domains import organizational_domain, same_organisation

_MAX_QUERIES = 8
"""RFC 9989 section 4.10: longer names go on with their last seven labels."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What receivers find for one domain."""

    domain: str
    known: bool
    """False where an answer that decides is not known; the rest says nothing then."""
    at: str | None
    """Where the record stands, without `_dmarc`; None where there is none."""
    record: ReadRecord | None
    remarks: tuple[Remark, ...]


def walk_names(domain: str) -> list[str]:
    """The names that a tree walk asks, longest first (RFC 9989 section 4.10)."""
    labels = domain.split(".")
    tail = labels[-(_MAX_QUERIES - 1) :] if len(labels) >= _MAX_QUERIES else labels[1:]
    return [domain, *(".".join(tail[start:]) for start in range(len(tail)))]


def discover(dns: Dns, domain: str) -> Discovery:
    """The record that speaks for `domain`, with what is to be said of it and of where its reports go."""
    names = walk_names(domain)
    dns.ask_all((f"_dmarc.{name}", "TXT") for name in names)
    answers = {name: dns.ask(f"_dmarc.{name}", "TXT") for name in names}
    records = {name: record for name, answer in answers.items() if (record := _record(answer))}
    troubles = [remark for name, answer in answers.items() for remark in _misread(name, answer)]
    at = domain if domain in records else _inherited(names, records)
    trouble = _undecided(names, answers, at)
    if trouble is not None:
        return Discovery(domain, False, None, None, (*troubles, unknown(trouble.name, trouble.trouble)))
    if at is None:
        remarks = (*troubles, *_astray(dns, domain), _none_at(domain))
        return Discovery(domain, True, None, None, remarks)
    found = [*troubles, *_place(domain, at, records), *lint(records[at], at), *_reports(dns, at, records[at])]
    return Discovery(domain, True, at, records[at], tuple(found))


def _record(answer: Answer) -> ReadRecord | None:
    """The one record of a name; several are as good as none (RFC 9989 section 4.10)."""
    found = [text for text in answer.values if is_record(text)]
    return read(found[0]) if len(found) == 1 else None


def _misread(name: str, answer: Answer) -> Iterator[Remark]:
    about = f"_dmarc.{name}"
    if sum(map(is_record, answer.values)) > 1:
        yield fix(
            about,
            "Several DMARC records stand there, so receivers take none of them: keep one.",
            *answer.values,
        )
    for text in answer.values:
        if looks_like_record(text) and not is_record(text):
            yield fix(about, f"{text!r} does not begin with v=DMARC1 exactly, so receivers pass it over.")


def _organisation(names: list[str], records: dict[str, ReadRecord]) -> str | None:
    """The organizational domain by the tree (section 4.10.2); None without any record on the way."""
    for name in names:
        psd = records[name].word("psd") if name in records else None
        if psd == "n":
            return name
        if psd == "y" and name != names[0]:
            return names[names.index(name) - 1]
    return next((name for name in reversed(names) if name in records), None)


def _inherited(names: list[str], records: dict[str, ReadRecord]) -> str | None:
    """Where the policy of a domain without a record stands: its organizational domain, else the suffix."""
    organisation = _organisation(names, records)
    if organisation in records:
        return organisation
    return next((name for name in reversed(names) if name in records and _is_suffix(records[name])), None)


def _is_suffix(record: ReadRecord) -> bool:
    return record.word("psd") == "y"


def _undecided(names: list[str], answers: dict[str, Answer], at: str | None) -> Answer | None:
    """An answer that nobody knows and that could change which record is found; None where all is decided."""
    if at == names[0]:
        return None
    return next(
        (answers[name] for name in names if not answers[name].found and not answers[name].absent), None
    )


def _place(domain: str, at: str, records: dict[str, ReadRecord]) -> Iterator[Remark]:
    yield well(f"_dmarc.{at}", records[at].text)
    if at != domain:
        yield note(f"_dmarc.{domain}", f"It has no record of its own; that of {at} speaks for it.")
    old = domain if domain in records else organizational_domain(domain)
    if old != at:
        found = f"that of {old}" if old in records else "none"
        yield warn(
            f"_dmarc.{domain}",
            f"Receivers of RFC 7489 find {found}, those of RFC 9989 that of {at}: publish one here.",
        )


def _none_at(domain: str) -> Remark:
    return fix(
        f"_dmarc.{domain}",
        "There is no DMARC record, so no reports come and nothing is enforced.",
        f'DNS: _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:<your mailbox>"',
    )


def _astray(dns: Dns, domain: str) -> Iterator[Remark]:
    """A record that was put under a wrong name."""
    for name in (domain, f"_dmarc.{domain}.{domain}"):
        if any(map(is_record, dns.ask(name, "TXT").values)):
            yield fix(name, f"A DMARC record stands here, where nobody looks: move it to _dmarc.{domain}.")


def _reports(dns: Dns, at: str, record: ReadRecord) -> list[Remark]:
    return [
        remark
        for each in destinations(record.get("rua"))
        for remark in (*_authorisation(dns, at, each), *_mailbox(dns, each))
    ]


def _authorisation(dns: Dns, at: str, to: Destination) -> Iterator[Remark]:
    """RFC 9990 section 4: another organisation must say that it takes the reports."""
    if same_organisation(at, to.host, None):
        return
    name = f"{at}._report._dmarc.{to.host}"
    answer = dns.ask(name, "TXT")
    if any(map(is_record, answer.values)):
        yield well(name, f"{to.host} takes reports on {at}.")
    elif answer.unknown:
        yield unknown(name, answer.trouble)
    else:
        yield fix(
            name,
            f"{to.host} does not say that it takes reports on {at}: careful reporters send it none, "
            "so evidence is missing.",
            f'DNS of {to.host}: {name} TXT "v=DMARC1"',
        )


def _mailbox(dns: Dns, to: Destination) -> Iterator[Remark]:
    """Whether any host takes mail for the address (RFC 5321 section 5.1, RFC 7505)."""
    exchange = dns.ask(to.host, "MX")
    if exchange.values == ("0 .",):
        yield fix(to.host, f"rua asks for mail to {to.address}, and its MX says that it takes none.")
    elif exchange.absent:
        answers = [dns.ask(to.host, kind) for kind in ("A", "AAAA")]
        if all(answer.absent for answer in answers):
            yield fix(to.host, f"rua asks for mail to {to.address}, and no host takes mail for it.")
    elif exchange.unknown:
        yield unknown(to.host, exchange.trouble)
