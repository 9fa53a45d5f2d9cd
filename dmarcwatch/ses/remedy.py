"""The steps that mend each state of Amazon SES mail: console path, command, DNS records.

As in the AWS developer guide (DKIM, BYODKIM, custom MAIL FROM, identities), with the user's own names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from dmarcwatch.ses.states import SesState, dkim_zone, facts, is_easy_dkim_selector

NO_REGION = "<region>"
"""Stands in commands where no report names the region."""


class Right(NamedTuple):
    """Mail whose signatures verify."""

    name: str
    """Of its stream, as people call it, with its From domain where that is another."""
    region: str


class Key(NamedTuple):
    """The key of an own signature: receivers look it up at `selector._domainkey.domain`."""

    selector: str
    domain: str
    """d=, which may be a parent of the From domain: SES signs as the identity that it inherits."""
    right_in: Right | None = None
    """Where signatures with it verify at the same time, so that its record in DNS is right."""


class SeenMailFrom(NamedTuple):
    """A custom MAIL FROM that reports showed."""

    domain: str
    region: str
    """Where it was in use."""


@dataclass(frozen=True, slots=True)
class Case:
    """Whose mail is to be mended."""

    domain: str
    """The From domain."""
    region: str
    keys: tuple[Key, ...] = ()
    """Those of own signatures seen."""
    seen: SeenMailFrom | None = None
    """The custom MAIL FROM seen last, None where there was none."""

    @property
    def identity(self) -> str:
        """The identity that speaks for the From domain: what signs it, the most specific one of several."""
        signers = {key.domain for key in self.keys if f".{self.domain}".endswith(f".{key.domain}")}
        return max(signers, key=len, default=self.domain)

    @property
    def mail_from(self) -> str:
        """The custom MAIL FROM that was seen, else the subdomain proposed for one."""
        return self.seen.domain if self.seen else f"bounce.{self.identity}"

    @property
    def console(self) -> str:
        """Where in the console its identity is."""
        return f"SES console, region {self.region}: Configuration > Identities > {self.identity} >"

    def aws(self, command: str, *arguments: str) -> tuple[str, ...]:
        """A command of the AWS CLI on the identity, an argument a line after the first."""
        lines = (
            f"aws sesv2 {command} --region {self.region}",
            f"  --email-identity {self.identity}",
            *(f"  {argument}" for argument in arguments),
        )
        return (*(f"{line} \\" for line in lines[:-1]), lines[-1])

    def cname(self, token: str, domain: str | None = None) -> tuple[str, ...]:
        """The record that an Easy DKIM token needs, for signatures of `domain` or of the identity."""
        return (
            f"DNS: {token}._domainkey.{domain or self.identity} CNAME",
            f"  {token}.{dkim_zone(self.region)}",
        )


def _new_identity(case: Case) -> tuple[str, ...]:
    """What comes first in a region that nothing of the domain signs in: it may have no identity there."""
    if case.keys:
        return ()
    return (
        f"Where {case.region} has no identity of {case.identity} yet, this makes one that signs:",
        *case.aws("create-email-identity"),
        "Publish the 3 tokens it prints, as below. Where there is one:",
    )


def _easy_dkim(case: Case) -> tuple[str, ...]:
    return (
        case.console,
        "  Authentication > DKIM > Edit: Easy DKIM, RSA_2048_BIT, signatures enabled. Or:",
        *case.aws(
            "put-email-identity-dkim-signing-attributes",
            "--signing-attributes-origin AWS_SES",
            "--signing-attributes NextSigningKeyLength=RSA_2048_BIT",
        ),
        "Then, for each of the 3 tokens it shows:",
        *case.cname("<token>"),
        "Where DKIM is set up and only switched off:",
        *case.aws("put-email-identity-dkim-attributes", "--signing-enabled"),
    )


def _mail_from_records(case: Case) -> tuple[str, ...]:
    if case.seen and case.seen.region != case.region != NO_REGION:
        # A second MX, or another host in the one there is, would take it from the region that uses it.
        return (
            f"{case.mail_from} has its MX and TXT, for {case.seen.region}: one MX serves all regions, so",
            "nothing is to be added in DNS.",
        )
    return (
        f"DNS: {case.mail_from} MX 10 feedback-smtp.{case.region}.amazonses.com (this MX and no other)",
        f'DNS: {case.mail_from} TXT "{facts().mail_from_txt}"',
    )


def _set_mail_from(case: Case) -> tuple[str, ...]:
    return case.aws(
        "put-email-identity-mail-from-attributes",
        f"--mail-from-domain {case.mail_from}",
        "--behavior-on-mx-failure USE_DEFAULT_VALUE",
    )


def _custom_mail_from(case: Case) -> tuple[str, ...]:
    return (
        case.console,
        f"  Custom MAIL FROM domain > Edit: {case.mail_from}. Or:",
        *_set_mail_from(case),
        *_mail_from_records(case),
    )


def check_keys(case: Case) -> tuple[str, ...]:
    """What to look up for each own key seen: Easy DKIM's tokens, and keys of one's own."""
    lines: list[str] = []
    for selector, domain, right_in in case.keys:
        if right_in is not None:
            lines += (
                f"{selector} of {domain} verifies in",
                f"  {right_in.name}: leave its DNS record as it is.",
            )
        elif is_easy_dkim_selector(selector):
            lines += case.cname(selector, domain)
        else:
            lines.append(f"DNS: {selector}._domainkey.{domain} TXT, its p= the public half of the key")
    return tuple(lines)


def _dkim_only(case: Case) -> tuple[str, ...]:
    return (
        "DMARC passes by DKIM, which survives forwarding. A custom MAIL FROM would align SPF as well:",
        *_custom_mail_from(case),
        f"Done when reports of 7 days show {case.mail_from} as the return path.",
    )


def _strict_aspf(case: Case) -> tuple[str, ...]:
    return (
        "SES sends from a subdomain at best, which aspf=s never aligns: publish aspf=r, or no aspf at all.",
        *(() if case.keys else ("DKIM would align it in any case:", *_easy_dkim(case))),
    )


def _mail_from_spf_broken(case: Case) -> tuple[str, ...]:
    name = case.mail_from if case.seen else f"the name that is configured, such as {case.mail_from}"
    return (
        "SPF of the custom MAIL FROM domain does not pass. Exactly one MX and one TXT that begins with",
        f"v=spf1 have to stand at {name}:",
        *_mail_from_records(case),
        *(() if case.keys else ("DKIM would align it in any case:", *_easy_dkim(case))),
    )


def _foreign_return_path(case: Case) -> tuple[str, ...]:
    return (
        "DMARC passes by DKIM. The return path is a vendor's: authenticate the domain in its panel to",
        "align SPF as well, or leave it so.",
    )


def _spf_only(case: Case) -> tuple[str, ...]:
    return ("Only SPF holds this mail, and every forwarding breaks it. Sign it:", *_easy_dkim(case))


def _dkim_broken(case: Case) -> tuple[str, ...]:
    if any(key.right_in for key in case.keys):
        return _broken_here(case)
    return (
        f"The signature of {_signers(case)} does not verify. What the published key must be:",
        *check_keys(case),
        *_SIGNED_BEFORE,
        case.console,
        "  Authentication > DKIM: where the status is Failed, set it up again with new tokens.",
    )


_SIGNED_BEFORE = (
    "Where it is right and something signs before SES: leave Message-ID, Date, Return-Path and",
    "Bounces-To out of what it signs (h=), because SES rewrites them.",
)


def _broken_here(case: Case) -> tuple[str, ...]:
    """The key is right in DNS: it is this region's copy of it, or what happens to the mail, that is not."""
    regions = dict.fromkeys(key.right_in.region for key in case.keys if key.right_in)
    others = tuple(region for region in regions if region != case.region)
    replica = (
        f"Where {case.region} signs with a replica of another region's keys, the identity has to name that",
        f"region ({', '.join(others)}) and its status be SUCCESS:",
    )
    return (
        f"The signature of {_signers(case)} does not verify here, and the same key does elsewhere:",
        *check_keys(case),
        *(replica if others else ("Look whether the identity's status is SUCCESS:",)),
        *case.aws("get-email-identity"),
        *_SIGNED_BEFORE,
    )


def _signers(case: Case) -> str:
    return " and ".join(dict.fromkeys(key.domain for key in case.keys)) or case.domain


def _strict_adkim(case: Case) -> tuple[str, ...]:
    case = replace(case, keys=())  # The identity that signs now is the one that does not align.
    return (
        "The signature is of another name in your organization, which adkim=s does not align: publish",
        f"adkim=r, or verify {case.domain} as an identity of its own:",
        *case.aws("create-email-identity"),
        "Then, for each of the 3 tokens it prints:",
        *case.cname("<token>"),
    )


def _altered(case: Case) -> tuple[str, ...]:
    return (
        "Somebody changed it on its way, or pasted an old signature. Nothing is to be mended at SES; look at",
        "the forwarder or list in front of the reporter.",
    )


def _vendor_unaligned(case: Case) -> tuple[str, ...]:
    return (
        "A vendor sends through SES and signs as itself: authenticate the domain in the vendor's panel, or",
        f"let it send from a subdomain such as news.{case.domain}.",
    )


def _amazonses_only(case: Case) -> tuple[str, ...]:
    return (
        f"SES let this sender use {case.domain}, so somebody proved control of an address or of its DNS:",
        "an account of yours without DKIM, an address that was verified alone, or a vendor's account.",
        "Find the identity, in every account and region, before enforcing: enforcement will stop it.",
        f"aws sesv2 list-email-identities --region {case.region}",
        "If it is yours, sign with the domain's identity:",
        *_new_identity(case),
        *_easy_dkim(case),
        "If an address of the domain is an identity of its own, delete it and the domain's applies to it:",
        f"aws sesv2 delete-email-identity --region {case.region} --email-identity <address>@{case.domain}",
        "If it is a vendor's, ask it to authenticate the domain. Done when it is gone for 14 days.",
    )


def _mail_from_fallback(case: Case) -> tuple[str, ...]:
    return (
        "SES lost the MX of the MAIL FROM domain and fell back to its own return path. Restore it:",
        *_mail_from_records(case),
        "After 72 hours SES stops looking; then set it up again:",
        *_set_mail_from(case),
        "Done when the status is SUCCESS and reports show the return path again.",
    )


def _mail_from_mixed(case: Case) -> tuple[str, ...]:
    return (
        "An identity of a single address or of a subdomain, without a MAIL FROM of its own, overrides the",
        "domain's. Find it:",
        f"aws sesv2 list-email-identities --region {case.region}",
        "Give it the same MAIL FROM, or delete it. If there is none, the MX comes and goes:",
        *_mail_from_records(case),
    )


def _region_gap(case: Case) -> tuple[str, ...]:
    lacks = "the MAIL FROM is not" if case.keys else "they are not"
    return (
        f"Identities, DKIM and MAIL FROM are set up for each region; in {case.region} {lacks}:",
        *(() if case.keys else (*_new_identity(case), *_easy_dkim(case))),
        *_custom_mail_from(case),
    )


def _own_dkim_vanished(case: Case) -> tuple[str, ...]:
    if case.keys and not any(is_easy_dkim_selector(key.selector) for key in case.keys):
        return _own_key_vanished(case)
    return (
        "The keys disappeared from DNS, so SES stopped signing. Set DKIM up again, with the new tokens:",
        *_easy_dkim(case),
    )


def _own_key_vanished(case: Case) -> tuple[str, ...]:
    """A key of one's own (BYODKIM), which a TXT publishes."""
    return (
        "The key disappeared from DNS, so SES stopped signing. Publish it again:",
        *check_keys(case),
        "Then set it up again, with the private key in base64:",
        *case.aws(
            "put-email-identity-dkim-signing-attributes",
            "--signing-attributes-origin EXTERNAL",
            "--signing-attributes",
            f"  DomainSigningSelector={case.keys[0].selector},DomainSigningPrivateKey=<key>",
        ),
    )


def _method_switch(case: Case) -> tuple[str, ...]:
    return (
        "SES signs nothing while a new signing method is pending. Finish it, or go back to the former one:",
        *_easy_dkim(case),
    )


STEPS: Mapping[str, Callable[[Case], tuple[str, ...]]] = {
    SesState.DKIM_ONLY: _dkim_only,
    SesState.STRICT_ASPF: _strict_aspf,
    SesState.MAIL_FROM_SPF_BROKEN: _mail_from_spf_broken,
    SesState.FOREIGN_RETURN_PATH: _foreign_return_path,
    SesState.SPF_ONLY: _spf_only,
    SesState.SPF_ONLY_DKIM_BROKEN: _dkim_broken,
    SesState.STRICT_ADKIM: _strict_adkim,
    SesState.OWN_DKIM_BROKEN: _dkim_broken,
    SesState.ALTERED: _altered,
    SesState.VENDOR_UNALIGNED: _vendor_unaligned,
    SesState.AMAZONSES_ONLY: _amazonses_only,
    "mail-from-fallback": _mail_from_fallback,
    "mail-from-mixed": _mail_from_mixed,
    "own-dkim-mixed": _amazonses_only,
    "region-gap": _region_gap,
    "own-dkim-vanished": _own_dkim_vanished,
    "dkim-method-switch": _method_switch,
}
"""State or finding -> its lines; `both-aligned` and `null-return-path` need nothing."""
