"""DNS of today for one domain: its DMARC record, and every selector and return path that reports showed."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, replace
from datetime import date, timedelta
from ipaddress import IPv4Network
from itertools import chain
from typing import TypeVar

from dmarcwatch.check.discovery import Discovery, discover
from dmarcwatch.check.mail_from import MailFrom, is_mail_from, mail_from_of
from dmarcwatch.check.remarks import Remark, Weight, note
from dmarcwatch.check.resolver import Dns
from dmarcwatch.check.selectors import PROBE, Key, key_of, wildcard
from dmarcwatch.check.spf import SpfFound, is_spf, spf_of
from dmarcwatch.domains import same_organisation
from dmarcwatch.ses import SES, SES_DOMAIN, is_ses_address
from dmarcwatch.sightings import ReturnPathSeen, SelectorSeen, Sightings

MAX_SELECTORS = 40
MAX_RETURN_PATHS = 20
"""Names of each kind that are asked about, those with most messages first."""
RETIRED_DAYS = 14
"""A name that reports have not shown for two weeks is taken for retired: that it is gone is no fault."""


@dataclass(frozen=True, slots=True)
class DnsFound:
    """All that DNS says of one domain."""

    discovery: Discovery
    keys: tuple[Key, ...]
    mail_from: tuple[MailFrom, ...]
    spf: tuple[SpfFound, ...]
    """Of the domain's return paths that are no MAIL FROM of Amazon SES."""
    notes: tuple[Remark, ...]

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Everything that is to be said, each once."""
        parts = (
            self.discovery.remarks,
            *(key.remarks for key in self.keys),
            *(path.remarks for path in self.mail_from),
            *(path.remarks for path in self.spf),
            self.notes,
        )
        return tuple(dict.fromkeys(chain.from_iterable(parts)))

    @property
    def nothing_known(self) -> bool:
        """Whether no question had an answer."""
        return bool(self.remarks) and all(remark.weight is Weight.UNKNOWN for remark in self.remarks)


def check_dns(dns: Dns, domain: str, seen: Sightings) -> DnsFound:
    """What DNS says today of `domain` and of the names that reports showed."""
    all_uses, all_paths = _selectors(seen), _own_paths(domain, seen)
    uses, paths = all_uses[:MAX_SELECTORS], all_paths[:MAX_RETURN_PATHS]
    dns.ask_all(_questions(domain, uses, paths))
    lost = {finding.region for finding in seen.findings if finding.word == "mail-from-fallback"}
    keys = [_aged(key_of(dns, use.domain, use.selector), use.last_seen, seen.until) for use in uses]
    mail_from, spf = [], []
    for path in paths:
        if path.sender == SES or is_mail_from(dns, path.domain):
            found = mail_from_of(dns, path.domain, region=path.region)
            # The path that SES fell back from is not seen any more, and is the one to mend.
            mail_from.append(found if path.region in lost else _aged(found, path.last_seen, seen.until))
        else:
            spf.append(_aged(spf_of(dns, path.domain), path.last_seen, seen.until))
    return DnsFound(
        discovery=discover(dns, domain),
        keys=tuple(keys),
        mail_from=tuple(mail_from),
        spf=tuple(spf),
        notes=(*_notes(dns, domain, seen, uses), *_unasked(domain, all_uses, all_paths)),
    )


def _selectors(seen: Sightings) -> list[SelectorSeen]:
    """Each selector once, most messages first; what unknown senders never passed with is invented."""
    found: dict[tuple[str, str], SelectorSeen] = {}
    for use in seen.selectors:
        if use.sender == "unknown" and not use.passed:
            continue
        known = found.get((use.domain, use.selector), use._replace(passed=0, failed=0))
        found[use.domain, use.selector] = known._replace(
            passed=known.passed + use.passed,
            failed=known.failed + use.failed,
            first_seen=min(known.first_seen, use.first_seen),
            last_seen=max(known.last_seen, use.last_seen),
        )
    return sorted(found.values(), key=lambda use: (-use.passed - use.failed, use.domain, use.selector))


def _own_paths(domain: str, seen: Sightings) -> list[ReturnPathSeen]:
    """The return paths in the domain's organisation, that of most messages first, each once.

    Whoever forges the domain forges its return path too, so what never passed counts only for known senders.
    """
    found: dict[str, ReturnPathSeen] = {}
    for path in sorted(seen.return_paths, key=lambda path: (-path.messages, path.domain)):
        if not same_organisation(path.domain, domain, domain):
            continue
        if path.passed or path.sender != "unknown":
            known = found.setdefault(path.domain, path)
            found[path.domain] = known._replace(last_seen=max(known.last_seen, path.last_seen))
    return list(found.values())


def _questions(
    domain: str, uses: Iterable[SelectorSeen], paths: Iterable[ReturnPathSeen]
) -> Iterator[tuple[str, str]]:
    """What is asked in any case, so that it can be asked all at once."""
    for use in uses:
        yield from (
            (f"{selector}._domainkey.{use.domain}", kind)
            for selector in (use.selector, PROBE)
            for kind in ("CNAME", "TXT")
        )
    for path in paths:
        yield from ((path.domain, kind) for kind in ("TXT", "MX"))
    yield from ((name, "TXT") for name in (domain, SES_DOMAIN, f"_amazonses.{domain}"))


Part = TypeVar("Part", Key, MailFrom, SpfFound)


def _aged(part: Part, last: date, until: date | None) -> Part:
    """The same, where nothing is to be mended for a name that reports stopped showing."""
    if until is None or until - last <= timedelta(days=RETIRED_DAYS):
        return part
    remarks = [_as_note(remark, last) if remark.weight is Weight.FIX else remark for remark in part.remarks]
    return replace(part, remarks=tuple(remarks))


def _as_note(remark: Remark, last: date) -> Remark:
    return note(remark.about, f"{remark.message} Reports showed it last on {last}: retired?")


def _notes(dns: Dns, domain: str, seen: Sightings, uses: Iterable[SelectorSeen]) -> Iterator[Remark]:
    for signer in sorted({use.domain for use in uses}):
        remark = wildcard(dns, signer)
        if remark is not None:
            yield remark
    yield from _roots(dns, domain, seen)
    if dns.ask(f"_amazonses.{domain}", "TXT").found:
        message = "Some account of Amazon SES verified the domain by this record, in the way before DKIM."
        yield note(f"_amazonses.{domain}", message)
    yield from _new_ranges(dns)


def _unasked(domain: str, uses: Sized, paths: Sized) -> Iterator[Remark]:
    for names, bound, what in ((uses, MAX_SELECTORS, "selectors"), (paths, MAX_RETURN_PATHS, "return paths")):
        if len(names) > bound:
            yield note(domain, f"{len(names) - bound} more {what} were seen and not asked about.")


def _roots(dns: Dns, domain: str, seen: Sightings) -> Iterator[Remark]:
    """SPF of a From domain cannot align mail that leaves with another return path."""
    custom = {path.domain for path in seen.return_paths if path.sender == SES}
    for name in dict.fromkeys((domain, *seen.header_froms)):
        records = [text for text in dns.ask(name, "TXT").values if is_spf(text)]
        if name not in custom and any("include:amazonses.com" in text.lower() for text in records):
            message = "include:amazonses.com here does nothing for DMARC: it belongs at a MAIL FROM domain."
            yield note(name, message)


def _new_ranges(dns: Dns) -> Iterator[Remark]:
    """Addresses that Amazon SES publishes and the packaged list does not hold."""
    new = []
    for text in filter(is_spf, dns.ask(SES_DOMAIN, "TXT").values):
        for term in text.split():
            if not term.startswith("ip4:"):
                continue
            try:
                network = IPv4Network(term[4:], strict=False)
            except ValueError:
                continue
            if not (is_ses_address(str(network[0])) and is_ses_address(str(network[-1]))):
                new.append(str(network))
    if new:
        yield note(
            SES_DOMAIN,
            f"Amazon SES sends from {', '.join(new)} too, which this dmarcwatch does not know yet.",
        )
