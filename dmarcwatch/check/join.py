"""What reports showed of Amazon SES beside what the account says today: the cause, where both know it.

Reports name no account. So that this account's identity is sound is no proof that it sent; it is said then
that somebody else may have.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dmarcwatch.check.mail_from import MailFrom
from dmarcwatch.check.remarks import Remark, fix, note, unknown, warn, well
from dmarcwatch.check.ses_account import Account, Identity, Region
from dmarcwatch.check.ses_remarks import account_remarks, set_again
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.ses.history import BROKEN, DEFAULT_PATH, UNSIGNED
from dmarcwatch.ses.remedy import STEPS, Case, Key, Right
from dmarcwatch.sightings import SelectorSeen, Sightings, StateSeen

LATELY_DAYS = 14
"""What reports have not shown for two weeks is over."""
BROKEN_SHARE = 0.02
"""Signatures break on their way at random; above this share of a selector's messages something is wrong."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one From domain sent through one region lately, with the region as the account has it."""

    header_from: str
    region: Region
    seen: Sightings
    account: Account
    mail_from: Sequence[MailFrom]
    """What DNS says of the MAIL FROM domains."""

    @property
    def about(self) -> str:
        """What a remark on it is about."""
        return f"Amazon SES {self.region.name}"

    @property
    def case(self) -> Case:
        """For the lines that mend it."""
        return Case(self.header_from, self.region.name)

    @property
    def identity(self) -> Identity | None:
        """The domain identity that speaks for the From domain: the most specific one."""
        names = {each.name: each for each in self.region.identities}
        labels = self.header_from.split(".")
        above = (".".join(labels[start:]) for start in range(len(labels) - 1))
        return next((names[name] for name in above if name in names), None)

    @property
    def addresses(self) -> tuple[Identity, ...]:
        """Addresses of the From domain that are identities of their own and override the domain's."""
        domain = f"@{self.header_from}"
        return tuple(each for each in self.region.identities if each.name.endswith(domain))

    def lately(self, states: Iterable[str]) -> list[StateSeen]:
        """Those of `states` that reports have shown in the last two weeks."""
        wanted = frozenset(states)
        return [
            each
            for each in self.seen.states
            if (each.header_from, each.region) == (self.header_from, self.region.name)
            and each.state in wanted
            and is_late(self.seen, each.last_seen)
        ]

    @property
    def selectors(self) -> list[SelectorSeen]:
        """Own selectors that signed here lately."""
        return [
            use
            for use in self.seen.selectors
            if use.region == self.region.name and is_late(self.seen, use.last_seen)
        ]


def is_late(seen: Sightings, last: date) -> bool:
    """Whether something last seen on a day still goes on."""
    return seen.until is not None and seen.until - last <= timedelta(days=LATELY_DAYS)


def ses_remarks(seen: Sightings, account: Account, mail_from: Sequence[MailFrom]) -> list[Remark]:
    """All that is to be said of the account: what reports showed first, and nothing mended twice."""
    told = joined(seen, account, mail_from)
    lines = {(remark.about, remark.fix) for remark in told if remark.fix}
    return told + [each for each in account_remarks(account, seen) if (each.about, each.fix) not in lines]


def joined(seen: Sightings, account: Account, mail_from: Sequence[MailFrom]) -> list[Remark]:
    """One remark or more for each From domain and region that reports showed."""
    found = []
    for header_from, name in dict.fromkeys((each.header_from, each.region) for each in seen.states):
        region = account.region(name)
        if region is None:
            found.append(unknown(f"Amazon SES {name}", "the region was not asked"))
            continue
        sent = Sent(header_from, region, seen, account, mail_from)
        remarks = [remark for rule in _RULES for remark in rule(sent)]
        found += remarks or _sound(sent)
    return found


def _sound(sent: Sent) -> Iterator[Remark]:
    """What is to be said where nothing stands out; that an identity does not sign is said of the account."""
    identity = sent.identity
    if identity is None and sent.region.whole:
        message = (
            f"Reports show mail of {sent.header_from} from there, and this account has no identity of it."
        )
        yield warn(sent.about, f"{message} Another account of yours, or a vendor's, sends.")
    elif identity is None or identity.signs is None:
        yield unknown(sent.about, _trouble(sent))
    elif identity.signs:
        path = f", MAIL FROM {identity.mail_from} {identity.mail_from_status}" if identity.mail_from else ""
        yield well(sent.about, f"{identity.name} signs, DKIM {identity.dkim_status}{path}.")


def _unsigned(sent: Sent) -> Iterator[Remark]:
    """Mail that SES did not sign as the domain: whose identity was it?"""
    states = sent.lately(UNSIGNED)
    if not states:
        return
    showed = _showed(sent, states, "without your DKIM")
    identity, addresses = sent.identity, [each.name for each in sent.addresses if each.signs is False]
    if identity is None:
        yield _no_identity(sent, showed, addresses)
    elif identity.signs is None:
        yield unknown(sent.about, f"{_trouble(sent)} ({showed})")
    elif not identity.signing:
        yield fix(
            sent.about,
            f"{showed}; {identity.name} there has DKIM {identity.dkim_status} but signing is off.",
            *_of(identity, sent).aws("put-email-identity-dkim-attributes", "--signing-enabled"),
        )
    elif not identity.signs:
        yield fix(
            sent.about,
            f"{showed}; DKIM of the identity {identity.name} there is {identity.dkim_status}.",
            *STEPS["own-dkim-vanished"](_of(identity, sent)),
        )
    elif addresses:
        yield _overridden(sent, showed, addresses)
    else:
        yield warn(
            sent.about,
            f"{showed}; the identity {identity.name} there signs now, so it was switched on since, or "
            "another account or a vendor sends.",
        )


def _no_identity(sent: Sent, showed: str, addresses: Sequence[str]) -> Remark:
    if addresses:
        return _overridden(sent, showed, addresses)
    if not sent.region.whole:
        return unknown(sent.about, f"{_trouble(sent)} ({showed})")
    return warn(
        sent.about,
        f"{showed}; this account has no identity of {sent.header_from} there: another account of yours, or a "
        "vendor's, sends.",
        *STEPS["amazonses-only"](sent.case),
    )


def _overridden(sent: Sent, showed: str, addresses: Sequence[str]) -> Remark:
    lines = (
        f"aws sesv2 delete-email-identity --region {sent.region.name} --email-identity {each}"
        for each in addresses
    )
    named = ", ".join(addresses)
    return fix(
        sent.about,
        f"{showed}; an address that is an identity of its own overrides the domain's: {named}.",
        "Have it sign as well, or delete it, so that the domain's identity applies to it:",
        *lines,
    )


def _strange_selectors(sent: Sent) -> Iterator[Remark]:
    """Keys that sign here and that no identity of this account has, where all of them are known."""
    regions = sent.account.regions
    everywhere = [each for region in regions for each in region.identities]
    ours = {selector for each in everywhere for selector in each.selectors}
    # A region that is not enabled holds no identity; that others answer shows the credentials to be right.
    told = all(region.whole or region.closed for region in regions) and any(each.whole for each in regions)
    if not (ours and told and all(each.known for each in everywhere)):
        return
    for use in sent.selectors:
        if use.passed and use.selector not in ours:
            yield warn(
                sent.about,
                f"Selector {use.selector} signs {use.passed:,} messages there, and no identity of this "
                "account has it: another account of yours, a vendor, or keys that were replaced since.",
            )


def _broken(sent: Sent) -> Iterator[Remark]:
    """Signatures that do not verify, by the identity's own view of the key."""
    if not sent.lately(BROKEN):
        return
    identity = sent.identity
    for use in sent.selectors:
        if use.failed <= BROKEN_SHARE * (use.passed + use.failed):
            continue
        share = f"{use.failed:,} of {use.passed + use.failed:,} signatures with selector {use.selector} fail"
        if identity is None or identity.signs is None:
            yield unknown(sent.about, f"{_trouble(sent)} ({share})")
        elif identity.selectors and use.selector not in identity.selectors:
            tokens = ", ".join(identity.selectors)
            yield warn(sent.about, f"{share}; the identity there has others now: {tokens}.")
        else:
            yield warn(
                sent.about,
                f"{share}; DKIM of the identity there is {identity.dkim_status}.",
                *STEPS["own-dkim-broken"](_signed_by(use, sent)),
            )


def _default_path(sent: Sent) -> Iterator[Remark]:
    """SES's own return path, where a custom MAIL FROM is set or could be."""
    states, identity = sent.lately(DEFAULT_PATH), sent.identity
    if not states or identity is None or not identity.known:
        return
    showed = _showed(sent, states, "with SES's own return path")
    if identity.mail_from is None:
        message = f"{showed}; no custom MAIL FROM is set there, so SPF never aligns."
        yield note(sent.about, message, *STEPS["dkim-only"](_of(identity, sent))[1:])
    elif identity.mail_from_status != "SUCCESS":
        path = next((each for each in sent.mail_from if each.domain == identity.mail_from), None)
        right = ", though its MX is right today" if path and path.sound else ""
        yield fix(
            sent.about,
            f"{showed}; MAIL FROM {identity.mail_from} there is {identity.mail_from_status}{right}.",
            *set_again(identity, _of(identity, sent)),
        )
    elif addresses := [each.name for each in sent.addresses if each.known and each.mail_from is None]:
        named = ", ".join(addresses)
        message = f"{showed}; addresses that are identities of their own have no MAIL FROM: {named}."
        yield warn(sent.about, message)


def _sandboxed(sent: Sent) -> Iterator[Remark]:
    """An account in the sandbox sends to verified addresses only, so strangers' reports show another."""
    if sent.region.production is False:
        yield warn(
            sent.about,
            "Reports show mail from there, where this account is in the sandbox: another account sends it.",
        )


def _of(identity: Identity, sent: Sent) -> Case:
    """For commands about the identity, which may be a parent of the From domain."""
    return Case(identity.name, sent.region.name)


def _signed_by(use: SelectorSeen, sent: Sent) -> Case:
    """For commands about a key, which may be a parent's."""
    elsewhere = (
        Right(f"Amazon SES {each.region}", each.region)
        for each in sent.seen.selectors
        if (each.domain, each.selector) == (use.domain, use.selector)
        and each.region not in (None, use.region)
        and is_late(sent.seen, each.last_seen)
        and each.failed <= BROKEN_SHARE * (each.passed + each.failed)
    )
    return Case(sent.header_from, sent.region.name, (Key(use.selector, use.domain, next(elsewhere, None)),))


def _showed(sent: Sent, states: Sequence[StateSeen], what: str) -> str:
    first = min(each.first_seen for each in states)
    messages = sum(each.messages for each in states)
    of = "" if len({each.header_from for each in sent.seen.states}) == 1 else f" of {sent.header_from}"
    return (
        f"Reports show {messages:,} messages{of} from {sent.region.name} {what} since "
        f"{day_words(first.toordinal())}"
    )


def _trouble(sent: Sent) -> str:
    return "; ".join(dict.fromkeys(sent.region.troubles.values())) or "its DKIM status was not told"


_RULES: tuple[Callable[[Sent], Iterator[Remark]], ...] = (
    _unsigned,
    _broken,
    _default_path,
    _strange_selectors,
    _sandboxed,
)
