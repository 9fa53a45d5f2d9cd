"""How far a report is trusted, and under which name its reporter counts (JUDGEMENT 5).

A report is a claim by whoever could send mail to a public address. What makes it evidence is that its
mail passed DMARC (RFC 9990 section 3.5.2) for a domain known to be that reporter's. Whether it passed
is the word of the mailbox's own host, or of the signature itself where the host says nothing.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from dmarcwatch.domains import aligned, normal_domain, organizational_domain
from dmarcwatch.mail.headers import MailHeaders
from dmarcwatch.mail.rfc5322 import address_domain, without_comments
from dmarcwatch.report import Report, Tier

SES_AUTHSERV_ID = "amazonses.com"
"""What SES inbound calls itself; it writes one Authentication-Results field, on top."""
UNNAMED = "unnamed"
"""The reporter of a report that names neither an organization nor an address."""

_WORD = re.compile(r'[;=]|(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s;="])++')
_QUOTED = re.compile(r'"|\\(.)')
_MAX_ID_CHARS = 253
"""An authserv-id is meant to be a host name (RFC 8601 section 2.5)."""
_UNDECIDED = frozenset({"none", "temperror", "permerror", "bestguesspass"})
"""Results of `dmarc` that leave the question open: no policy published, or no DNS."""


@dataclass(frozen=True, slots=True)
class MailHost:
    """What is known of the host that received the mail."""

    authserv_ids: tuple[str, ...] = ()
    """Names it has stamped before, or that the user declared; empty: the topmost field is believed."""
    microsoft: bool = False
    """A mailbox at Microsoft 365, which stamps no name."""
    ses: bool = False
    """A bucket that SES inbound writes to."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """What is known of one mail's sender."""

    passed: str | None = None
    """The From domain, if the mail passed DMARC for it."""
    local: bool = False
    """True for a file that the user named: no mail host saw it and none is asked."""
    authserv_id: str | None = None
    """The name the host stamped, to be recorded; None where there is none."""
    changed: bool = False
    """True where that name is none of those recorded; its results then count for nothing."""
    silent: bool = False
    """True where no host that is believed says anything of DMARC or DKIM: the signature may be asked."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """One entry of reporters.toml."""

    id: str
    name: str
    org_names: frozenset[str]
    """Case-folded."""
    emails: tuple[str, ...]
    """Domains of the addresses its reports name, subdomains included."""
    domains: tuple[str, ...]
    """Domains whose DMARC pass is its own, subdomains included; never one that gives strangers addresses."""


@dataclass(frozen=True, slots=True)
class Reporters:
    """The reporters that are known."""

    entries: tuple[Reporter, ...]

    def of(self, report: Report) -> Reporter | None:
        """Who wrote the report, going by its address, or by its name where it gives none; None if unknown."""
        email = _email_domain(report)
        if email is not None:
            return next((entry for entry in self.entries if _under_any(email, entry.emails)), None)
        name = (report.org_name or "").casefold()
        return next((entry for entry in self.entries if name in entry.org_names), None)

    def sends_from(self, domain: str) -> bool:
        """Whether `domain` is one that a known reporter sends its reports from, or lies below one."""
        return any(_under_any(domain, entry.domains) for entry in self.entries)


class MethodResult(NamedTuple):
    """One `resinfo` of RFC 8601 section 2.2; names and values of properties as written, names lower-case."""

    method: str
    result: str
    properties: Mapping[str, str]


def authenticate(
    headers: MailHeaders | None,
    host: MailHost,
    *,
    local: bool = False,
    verified_dkim: tuple[str, ...] = (),
) -> Authentication:
    """What the mail host says of a mail, or the signatures that were verified here (`verified_dkim`, d=).

    Only the topmost Authentication-Results counts, and others of the same host above the first Received
    field: below that everything may be the sender's own writing.
    """
    if local or headers is None:
        return Authentication(local=local, silent=not local)
    sender = headers.from_domain
    authserv_id, results = _host_results(headers, host)
    changed = authserv_id is not None and bool(_recorded(host)) and not _known(authserv_id, host)
    verdict = None if changed or sender is None else _dmarc_passed(results, sender)
    signed = sender is not None and any(_aligned(domain, sender) for domain in verified_dkim)
    return Authentication(
        passed=sender if verdict or signed else None,
        authserv_id=authserv_id,
        changed=changed,
        silent=verdict is None,
    )


def assess(authentication: Authentication, report: Report, reporters: Reporters) -> Tier:
    """The tier of one report of a mail."""
    if authentication.local:
        return Tier.LOCAL
    if authentication.passed is None:
        return Tier.UNVERIFIED
    reporter = reporters.of(report)
    if reporter is None:
        return Tier.CONSISTENT
    # Somebody who writes under a known reporter's name from elsewhere is the forger this is about.
    return Tier.VERIFIED if _under_any(authentication.passed, reporter.domains) else Tier.UNVERIFIED


def reporter_key(report: Report) -> str:
    """The reporter in the identity of a report, and the organization it counts as (`dmarc.md` 1.5).

    The organizational domain of its address, else its name case-folded; never what its mail's signature
    says, because trust must not change identity. Outlook.com and Enterprise Outlook are one.
    """
    email = _email_domain(report)
    if email is not None:
        return organizational_domain(email)
    return (report.org_name or "").strip().casefold() or UNNAMED


def parse_results(text: str, *, nameless: bool = False) -> tuple[str | None, tuple[MethodResult, ...]]:
    """The authserv-id and the results of an Authentication-Results field (RFC 8601 section 2.2).

    A field without authserv-id gives None and nothing, unless `nameless` says that such are expected
    (Microsoft 365). Total: what is no result is skipped, a comment says nothing.
    """
    clauses: list[list[str]] = [[]]
    for word in _WORD.findall(without_comments(text, quotes=True)):
        if word == ";":
            clauses.append([])
        else:
            clauses[-1].append(word)
    authserv_id = None
    if not nameless or "=" not in clauses[0]:
        if not clauses[0] or "=" in clauses[0]:
            return None, ()
        authserv_id = _plain(clauses[0][0]).lower()[:_MAX_ID_CHARS]  # an authres-version may follow
        clauses = clauses[1:]
    return authserv_id, tuple(result for clause in clauses if (result := _method_result(clause)))


@lru_cache(maxsize=1)
def known_reporters() -> Reporters:
    """The packaged reporters.toml."""
    table = tomllib.loads(files("dmarcwatch").joinpath("reporters.toml").read_text("utf-8"))
    return Reporters(
        tuple(
            Reporter(
                id=entry["id"],
                name=entry["name"],
                org_names=frozenset(name.casefold() for name in entry["org_names"]),
                emails=tuple(entry["emails"]),
                domains=tuple(entry["domains"]),
            )
            for entry in table["reporter"]
        )
    )


def _host_results(headers: MailHeaders, host: MailHost) -> tuple[str | None, tuple[MethodResult, ...]]:
    """The mail host's name and all it says."""
    fields = headers.authentication_results
    if not fields:
        return None, ()
    authserv_id, results = parse_results(fields[0], nameless=host.microsoft)
    if authserv_id is not None and not host.ses:
        for text in fields[1 : headers.results_above_received]:
            also, more = parse_results(text)
            if also is not None and same_host(also, authserv_id):
                results += more
    return authserv_id, results


def _dmarc_passed(results: tuple[MethodResult, ...], sender: str) -> bool | None:
    """True if the mail passed DMARC for its From domain; None where nothing is said of it.

    Every decided `dmarc` result must agree: a local part that smuggles a second one into the field
    cannot remove the first. A DKIM pass of an aligned domain is a DMARC pass (RFC 9989 section 4.4).
    """
    decided = [each for each in results if each.method == "dmarc" and each.result not in _UNDECIDED]
    if decided:
        return all(each.result == "pass" and _is_of(sender, each) for each in decided)
    signatures = [each for each in results if each.method == "dkim"]
    if not signatures:
        return None
    return any(each.result == "pass" and _aligned(_signer(each), sender) for each in signatures)


def _is_of(sender: str, result: MethodResult) -> bool:
    stated = result.properties.get("header.from")
    return stated is None or _aligned(_domain_in(stated), sender)


def _signer(result: MethodResult) -> str | None:
    """d= of a signature, or the domain of its i=, which lies at or below d= (RFC 6376 section 3.5)."""
    return _domain_in(result.properties.get("header.d") or result.properties.get("header.i") or "")


def _domain_in(value: str) -> str | None:
    return normal_domain(value.rpartition("@")[2])


def _aligned(domain: str | None, sender: str) -> bool:
    return bool(aligned(domain, sender, strict=False, policy_domain=None))


def _recorded(host: MailHost) -> tuple[str, ...]:
    return (SES_AUTHSERV_ID,) if host.ses else host.authserv_ids


def _known(authserv_id: str, host: MailHost) -> bool:
    return any(same_host(authserv_id, recorded) for recorded in _recorded(host))


def same_host(one: str, other: str) -> bool:
    """True for authserv-ids of one organization: large hosts stamp the name of whichever machine it was."""
    if one.casefold() == other.casefold():
        return True
    first, second = normal_domain(one), normal_domain(other)
    if first is None or second is None or "." not in first:
        return False
    return organizational_domain(first) == organizational_domain(second)


def _email_domain(report: Report) -> str | None:
    return address_domain(report.org_email) if report.org_email else None


def _under_any(domain: str, ancestors: tuple[str, ...]) -> bool:
    return any(domain == ancestor or domain.endswith(f".{ancestor}") for ancestor in ancestors)


def _method_result(clause: list[str]) -> MethodResult | None:
    """`method=result property=value ...`; None where the clause does not begin so."""
    pairs: list[tuple[str, str]] = []
    for index, word in enumerate(clause):
        if word == "=" and 0 < index < len(clause) - 1:
            pairs.append((clause[index - 1].lower(), _plain(clause[index + 1])))
    if len(clause) < 3 or clause[1] != "=":
        return None
    method, result = pairs[0]
    properties: dict[str, str] = {}
    for name, value in pairs[1:]:
        properties.setdefault(name, value)
    return MethodResult(method.partition("/")[0], result.lower(), properties)


def _plain(word: str) -> str:
    """A token as it is, a quoted string without its quotes."""
    return _QUOTED.sub(r"\1", word) if '"' in word else word
