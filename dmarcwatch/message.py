"""One received mail: what its mail host found, who sent it, in which state it is, what is still to do.

The same core as for reports, fed from header fields: Authentication-Results (RFC 8601), DKIM-Signature,
Return-Path and Received. Only the topmost results are believed; fields below may be the sender's writing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from dmarcwatch.budgets import Budgets
from dmarcwatch.classify import Classification, Classifier
from dmarcwatch.domains import normal_domain, organizational_domain
from dmarcwatch.errors import ReportError
from dmarcwatch.mail.headers import Field, header_start, mail_headers, read_fields
from dmarcwatch.mail.rfc5322 import address_domain, text_of
from dmarcwatch.remedy import meaning, remedy
from dmarcwatch.report import (
    AuthResult,
    Dialect,
    Dkim,
    Evidence,
    PolicyPublished,
    Record,
    Report,
    Spf,
    SpfScope,
)
from dmarcwatch.senders import Senders
from dmarcwatch.ses.remedy import Case, Key
from dmarcwatch.trust import MethodResult, parse_results

_MAX_SIGNATURES = 100
_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)")
# What Google and SES, Microsoft, and again Google write beside the SPF result.
_CLIENT = re.compile(
    r"client-ip=([0-9a-fA-F.:]+)|sender IP is ([0-9a-fA-F.:]+)|designates ([0-9a-fA-F.:]+) as"
)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F.:]+)\]")


@dataclass(frozen=True, slots=True)
class Examined:
    """What one mail shows."""

    header_from: str
    authserv_id: str | None
    """Who checked it; None where no name is stamped."""
    checked: bool
    """False where no results of a mail host are in the header: nothing is known to pass then."""
    dmarc: str | None
    """The mail host's own word."""
    source_ip: str | None
    dkim: tuple[Dkim, ...]
    spf: Spf | None
    null_return_path: bool
    classification: Classification
    fix: tuple[str, ...]
    """Lines that say what is still to do."""

    @property
    def passes(self) -> bool:
        """Whether DMARC passes by what the mail host found, with alignment recomputed here."""
        return bool(self.classification.dkim_aligned or self.classification.spf_aligned)


def examine(
    data: bytes, *, classifier: Classifier, senders: Senders, policy: PolicyPublished | None = None
) -> Examined:
    """What the header of one mail shows.

    `policy` is the domain's record where it is known; without it alignment is relaxed, as the default is
    (RFC 9989 section 4.7). Raises ReportError for bytes that are no mail or name no one From domain, and
    TooLarge for a header beyond the budget.
    """
    start = header_start(data, 0, len(data))
    fields, _ = read_fields(data, start, len(data), limit=Budgets().max_header_bytes)
    headers = mail_headers(fields)
    if headers.from_domain is None:
        raise ReportError("no-from-domain", "the file is no mail with one From domain")
    results = headers.authentication_results
    authserv_id, methods = parse_results(results[0], nameless=True) if results else (None, ())
    null = _first(fields, b"return-path").strip() == "<>"
    spf = _spf(methods, address_domain(_first(fields, b"return-path")))
    evidence = Evidence(
        disposition=None,
        dkim_evaluated=None,
        spf_evaluated=None,
        reasons=(),
        header_from=headers.from_domain,
        envelope_from="" if null else None,
        envelope_to=None,
        dkim=_signatures(fields, methods),
        spf=(spf,) if spf else (),
    )
    ip = _source_ip(fields, results[:1])
    known = policy or PolicyPublished(organizational_domain(headers.from_domain))
    found = classifier.classify(Record(ip, 1, evidence), _report(known))
    return Examined(
        header_from=headers.from_domain,
        authserv_id=authserv_id,
        checked=bool(methods),
        dmarc=next((each.result for each in methods if each.method == "dmarc"), None),
        source_ip=ip,
        dkim=evidence.dkim,
        spf=spf,
        null_return_path=null,
        classification=found,
        fix=_fix(found, headers.from_domain, senders) if methods else (),
    )


def lines(examined: Examined) -> list[str]:
    """What a person reads."""
    found = examined.classification
    return [
        f"From {examined.header_from}, sent by {_operator(found)} ({found.because})"
        + (f" from {examined.source_ip}" if examined.source_ip else ""),
        *(f"  DKIM {_word(each.result)}: d={each.domain} s={each.selector or '?'}" for each in examined.dkim),
        *_spf_line(examined),
        *_verdict_lines(examined),
        *(f"  {line}" for line in examined.fix),
    ]


def as_dict(examined: Examined) -> dict[str, Any]:
    """The same as plain values, for `--json`."""
    found, spf = examined.classification, examined.spf
    return {
        "header_from": examined.header_from,
        "authserv_id": examined.authserv_id,
        "checked": examined.checked,
        "dmarc": examined.dmarc,
        "passes": examined.passes,
        "source_ip": examined.source_ip,
        "sender": found.place.sender,
        "via": found.via,
        "region": found.region,
        "state": found.state,
        "forwarded": found.forwarded,
        "dkim_aligned": found.dkim_aligned,
        "spf_aligned": found.spf_aligned,
        "flags": [flag for flag in found.flags if flag not in _NOT_REPORTED],
        "because": found.because,
        "dkim": [each._asdict() for each in examined.dkim],
        "spf": spf._asdict() if spf else None,
        "fix": list(examined.fix),
    }


_NOT_REPORTED = ("pe_missing",)
"""Flags about what a report lacks; a mail has no `policy_evaluated`."""


def _spf_line(examined: Examined) -> list[str]:
    if examined.spf is None:
        return []
    path = "an empty return path, asked for " if examined.null_return_path else ""
    return [f"  SPF {_word(examined.spf.result)}: {path}{examined.spf.domain}"]


def _verdict_lines(examined: Examined) -> list[str]:
    found = examined.classification
    if not examined.checked:
        return ["No mail host's Authentication-Results are in the header, so nothing is known to pass."]
    says = f"; {examined.authserv_id or 'the mail host'} says {examined.dmarc}" if examined.dmarc else ""
    forwarded = ", forwarded" if found.forwarded else ""
    return [
        f"State {found.state}{forwarded}: {meaning(found.state)}",
        f"DMARC {'passes' if examined.passes else 'fails'}{says}.",
    ]


def _operator(found: Classification) -> str:
    via = f" by way of {found.via}" if found.via else ""
    region = f" {found.region}" if found.region else ""
    place = f" {found.place.name}" if found.place.sender == "unknown" and found.place.name else ""
    return f"{found.place.sender}{region}{place}{via}"


def _word(result: AuthResult | None) -> str:
    return result or "unchecked"


def _fix(found: Classification, domain: str, senders: Senders) -> tuple[str, ...]:
    broken = [Key(selector, signer) for selector, signer, passed in found.own_signatures if not passed]
    keys = broken or [Key(selector, signer) for selector, signer, _ in found.own_signatures]
    return remedy(found.state, Case(domain, found.region or "", tuple(keys)), senders.get(found.place.sender))


def _signatures(fields: Iterable[Field], methods: Iterable[MethodResult]) -> tuple[Dkim, ...]:
    """Each signature with its result; results and signatures find each other by d=, s= and b=.

    A result without its signature counts as well: hosts fold or drop fields that they checked.
    """
    results = [each for each in methods if each.method == "dkim"]
    found = []
    for name, value in fields:
        tags = dict(_TAG.findall(text_of(value))) if name == b"dkim-signature" else {}
        domain = normal_domain(tags.get("d", ""))
        if domain is None:
            continue
        result = next((each for each in results if _is_result_of(each, domain, tags)), None)
        if result is not None:
            results.remove(result)
        found.append(Dkim(domain, normal_domain(tags.get("s", "")), _result(result)))
    for each in results:
        domain = _signer(each)
        if domain is not None:
            found.append(Dkim(domain, normal_domain(each.properties.get("header.s", "")), _result(each)))
    return tuple(dict.fromkeys(found[:_MAX_SIGNATURES]))


def _is_result_of(result: MethodResult, domain: str, tags: dict[str, str]) -> bool:
    signer = _signer(result)
    if signer is None or not (signer == domain or signer.endswith(f".{domain}")):
        return False
    selector, signature = result.properties.get("header.s"), result.properties.get("header.b")
    if selector is not None and normal_domain(selector) != normal_domain(tags.get("s", "")):
        return False
    return signature is None or "".join(tags.get("b", "").split()).startswith(signature)


def _signer(result: MethodResult) -> str | None:
    """d=, or the domain of i=, which lies at or below d= (RFC 6376 section 3.5)."""
    named = result.properties.get("header.d") or result.properties.get("header.i") or ""
    return normal_domain(named.rpartition("@")[2])


def _spf(methods: Iterable[MethodResult], return_path: str | None) -> Spf | None:
    """The SPF result and the domain it is about, that of Return-Path where the result names none."""
    known = {each.method: each for each in methods}
    spf = known.get("spf")
    if spf is None:
        return Spf(return_path, SpfScope.MFROM, None) if return_path else None
    for name in ("smtp.mailfrom", "envelope-from", "smtp.helo"):
        stated = normal_domain(spf.properties.get(name, "").rpartition("@")[2].strip("<>"))
        if stated is not None:
            return Spf(stated, SpfScope.MFROM, _result(spf))
    return Spf(return_path, SpfScope.MFROM, _result(spf)) if return_path else None


def _result(result: MethodResult | None) -> AuthResult | None:
    if result is None:
        return None
    return _RESULTS.get(result.result)


_RESULTS = {word.value: word for word in AuthResult} | {"hardfail": AuthResult.FAIL}


def _source_ip(fields: Sequence[Field], results: Iterable[str]) -> str | None:
    """The address that SPF was asked for, or the first public one that a Received field names."""
    for text in (*results, _first(fields, b"received-spf")):
        for groups in _CLIENT.findall(text):
            address = _address("".join(groups))
            if address is not None:
                return address
    for name, value in fields:
        for literal in _LITERAL.findall(text_of(value)) if name == b"received" else ():
            address = _address(literal)
            if address is not None and ip_address(address).is_global:
                return address
    return None


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _first(fields: Iterable[Field], name: bytes) -> str:
    return next((text_of(value) for field, value in fields if field == name), "")


def _report(policy: PolicyPublished) -> Report:
    """The report this mail would be a record of."""
    moment = datetime.fromtimestamp(0, UTC)
    return Report(None, None, None, moment, moment, policy, Dialect.RFC9990)
