"""Which operator a record's mail came from, and the place in it that one person can fix (JUDGEMENT 2).

Signs in the order of their strength: a signature or return path of the operator's own that passes, its
address or confirmed host name, then the selector of a customer's signature, which is only a hint.
"""

from typing import NamedTuple

from dmarcwatch.classify.evaluate import Context, Evaluated
from dmarcwatch.domains import organizational_domain
from dmarcwatch.fingerprints import Sender
from dmarcwatch.report import AuthResult, Dkim
from dmarcwatch.senders import UNKNOWN, Found, Senders
from dmarcwatch.ses import SES, ReturnPath, SesVerdict, facts, is_ses_domain, ses_return_path
from dmarcwatch.streams import PlaceKind

UNKNOWN_REGION = "unknown-region"
"""Place of SES mail that no sign gives a region for, so that its stream's id says so."""
UNNAMED_TENANT = "unnamed-tenant"
"""Place of mail from a mailbox operator or gateway that nothing says whose it is: never one's own."""


class Address(NamedTuple):
    """All that the source address adds to the evidence; equal for most addresses of an operator."""

    direct: bool | None
    """It is SES's; None where the report names no address."""
    host: str | None
    """Id of the sender that its confirmed host name belongs to."""
    host_region: str | None
    """The SES region in the host name."""
    range: str | None
    """Id of the mailbox operator that publishes it."""


class Named(NamedTuple):
    """Who operates the source, and where in it."""

    sender: str
    kind: PlaceKind
    place: str
    """Empty for kind `none`, and for `network`, where the address gives it."""
    authenticated: bool
    """A signature or return path of the operator's own passes."""
    because: str
    via: str | None = None
    region: str | None = None
    region_disagrees: bool = False


class Namer:
    """Names senders for one set of fingerprints and one user's tenants."""

    def __init__(self, senders: Senders, own_tenants: frozenset[str]) -> None:
        self._senders = senders
        self._own_tenants = own_tenants

    def of_ses(
        self, evaluated: Evaluated, verdict: SesVerdict, ses: tuple[Dkim, ...], address: Address
    ) -> Named:
        """The name of mail that SES sent: SES by region, or the vendor that uses it.

        `ses` are the signatures of amazonses.com that pass.
        """
        region, disagrees = _region(evaluated, ses, address)
        proved, because = _ses_proof(evaluated, ses)
        vendor = self._vendor_on_ses(evaluated, verdict)
        if vendor is not None:
            because = f"{vendor.suffix} on Amazon SES: {because}"
            return Named(
                vendor.sender.id, PlaceKind.NONE, "", proved, because, SES, region, region_disagrees=disagrees
            )
        place = region or UNKNOWN_REGION
        return Named(SES, PlaceKind.REGION, place, proved, because, region=region, region_disagrees=disagrees)

    def of_other(self, evaluated: Evaluated, context: Context, address: Address) -> Named:
        """The name of all other mail."""
        by_own = self._by_own_name(evaluated)
        if by_own is not None:
            found, because = by_own
            if not found.sender.shared_operator:
                return Named(found.sender.id, PlaceKind.NONE, "", True, because)
            return self._tenant(found, evaluated, context, because)
        return (
            self._by_server(evaluated, context, address)
            or self._by_hint(evaluated)
            or self._unknown(evaluated)
        )

    def _vendor_on_ses(self, evaluated: Evaluated, verdict: SesVerdict) -> Found | None:
        """A customer of SES that sends for others, by its selector, its signature or its return path."""
        hosted = self._senders.hosted(_selectors(evaluated.own), SES)
        if hosted is not None or verdict.forwarded:  # A forwarder's signature says nothing of the sender.
            return hosted
        for signature in evaluated.foreign:
            if is_ses_domain(signature.domain):
                continue
            found = self._senders.by_dkim(signature.domain)
            if found is not None and not found.sender.shared_operator:
                return found
        domain = _foreign_return_path(evaluated)
        found = self._senders.by_return_path(domain) if domain else None
        return found if found is not None and found.sender.via == SES else None

    def _by_own_name(self, evaluated: Evaluated) -> tuple[Found, str] | None:
        """The sender whose own signature or return path passes.

        A mailbox operator's comes last: it also signs what its users forward.
        """
        signed = [
            (found, f"d={signature.domain} passes")
            for signature in evaluated.foreign
            if (found := self._senders.by_dkim(signature.domain)) is not None
        ]
        if signed:
            return min(signed, key=lambda each: each[0].sender.shared_operator)
        domain = _foreign_return_path(evaluated)
        found = self._senders.by_return_path(domain) if domain else None
        return (found, f"return path {domain} passes") if found else None

    def _by_server(self, evaluated: Evaluated, context: Context, address: Address) -> Named | None:
        """The sender whose server it is.

        Where servers carry everybody's mail and its forwards, only for mail that authenticates as
        somebody: what fails from there has no owner that the address could name.
        """
        sender = self._senders.get(address.host or address.range or UNKNOWN)
        if sender is None:
            return None
        because = "host name" if address.host else "published address range"
        if not sender.shared_operator:
            return Named(sender.id, PlaceKind.NONE, "", False, because)
        if _own_return_path(evaluated) or self._foreign_domain(evaluated):
            return self._tenant(Found(sender, ""), evaluated, context, because)
        own_selectors = _selectors(evaluated.own, passing=True)
        if evaluated.dkim_aligned and self._senders.agrees(sender, own_selectors):
            return Named(sender.id, PlaceKind.NONE, "", False, f"{because} and selector")
        return None

    def _by_hint(self, evaluated: Evaluated) -> Named | None:
        """The sender that the selectors of passing own signatures point to.

        Only beside an own return path that passes: else the server may be anybody's who forwards.
        """
        if evaluated.spf is None or evaluated.spf.domain is None or not _own_return_path(evaluated):
            return None
        hint = self._senders.hinted(_selectors(evaluated.own, passing=True), evaluated.spf.domain)
        if hint is None or hint.sender.id == SES:
            return None
        because = f"selector {hint.suffix} beside an own return path"
        return Named(hint.sender.id, PlaceKind.NONE, "", False, because)

    def _unknown(self, evaluated: Evaluated) -> Named:
        domain = self._foreign_domain(evaluated)
        if domain is not None:
            return Named(UNKNOWN, PlaceKind.DOMAIN, domain, False, f"authenticates as {domain}")
        return Named(UNKNOWN, PlaceKind.NETWORK, "", False, "no sign of an operator")

    def _tenant(self, found: Found, evaluated: Evaluated, context: Context, because: str) -> Named:
        """The place inside a mailbox operator or gateway: kind `none` for one's own, else the tenant."""
        authenticated = found.suffix != ""
        tenant = self._tenant_name(found, evaluated)
        if tenant is None or self._is_own(tenant, evaluated.header_from, context.policy_domain):
            return Named(found.sender.id, PlaceKind.NONE, "", authenticated, because)
        return Named(found.sender.id, PlaceKind.TENANT, tenant, authenticated, because)

    def _tenant_name(self, found: Found, evaluated: Evaluated) -> str | None:
        """Whose mail it is at the operator; None where it authenticates as the From domain itself."""
        zone = _tenant_in_zone(found.sender, evaluated)
        if zone is not None:
            return zone
        if _own_return_path(evaluated):
            return None
        foreign = self._foreign_domain(evaluated)
        if foreign is not None:
            return foreign
        return None if evaluated.dkim_aligned else UNNAMED_TENANT

    def _is_own(self, tenant: str, header_from: str, policy_domain: str) -> bool:
        label = tenant.partition(".")[0]
        if tenant in self._own_tenants or label in self._own_tenants:
            return True
        # Google's default signature: d=example-com.20230601.gappssmtp.com for the customer example.com.
        own = {header_from, organizational_domain(header_from), policy_domain}
        return tenant.endswith(".gappssmtp.com") and label in {name.replace(".", "-") for name in own}

    def _foreign_domain(self, evaluated: Evaluated) -> str | None:
        """The organization that the mail authenticates as, neither the From domain's nor a sender's."""
        for signature in evaluated.foreign:
            if self._senders.by_dkim(signature.domain) is None:
                return organizational_domain(signature.domain)
        domain = _foreign_return_path(evaluated)
        if domain is None or self._senders.by_return_path(domain) is not None:
            return None
        return organizational_domain(domain)


def _selectors(signatures: tuple[Dkim, ...], *, passing: bool = False) -> list[str]:
    return [
        signature.selector
        for signature in signatures
        if signature.selector and (signature.result is AuthResult.PASS or not passing)
    ]


def _own_return_path(evaluated: Evaluated) -> bool:
    """The return path is the From domain's organisation's, and its SPF passes."""
    spf = evaluated.spf
    return evaluated.return_path is ReturnPath.OWN and spf is not None and spf.result is AuthResult.PASS


def _foreign_return_path(evaluated: Evaluated) -> str | None:
    """The domain of somebody else's return path whose SPF passes."""
    spf = evaluated.spf
    if evaluated.return_path is not ReturnPath.FOREIGN or spf is None or spf.result is not AuthResult.PASS:
        return None
    return spf.domain


def _tenant_in_zone(sender: Sender, evaluated: Evaluated) -> str | None:
    """The tenant in a signing domain or return path of the operator, without its dated part."""
    names = [signature.domain for signature in evaluated.foreign]
    domain = _foreign_return_path(evaluated)
    for name in [*names, domain] if domain else names:
        for zone in sender.tenant_zone:
            if name.endswith(f".{zone}"):
                return f"{name.partition('.')[0]}.{zone}"
    return None


def _ses_proof(evaluated: Evaluated, ses: tuple[Dkim, ...]) -> tuple[bool, str]:
    """Whether SES itself proves that it sent the mail, and by what."""
    if ses:
        return True, f"d={ses[0].domain} passes"
    spf = evaluated.spf
    if spf is not None and spf.domain and is_ses_domain(spf.domain) and spf.result is AuthResult.PASS:
        return True, f"return path {spf.domain} passes"
    return False, "address of Amazon SES"


def _region(evaluated: Evaluated, ses: tuple[Dkim, ...], address: Address) -> tuple[str | None, bool]:
    """The region, and whether the signs name different ones; then the signature's counts."""
    regions = facts().service_regions
    signed = [regions[selector] for selector in _selectors(ses) if selector in regions]
    known = ses_return_path(evaluated.spf.domain) if evaluated.spf and evaluated.spf.domain else None
    kind, by_path = known or (ReturnPath.NONE, None)
    found = [by_path, *signed, address.host_region]
    if kind is ReturnPath.HELO:  # It names a machine, as a confirmed host name does, so it comes last.
        found.reverse()
    signs = [sign for sign in found if sign]
    if not signs:
        return None, False
    if signs.count(signs[0]) == len(signs):
        return signs[0], False
    return (signed or signs)[0], True
