"""A record's classification: who sent it, in which state, aligned or not, and by which sign.

Most records repeat: the work is done once for each distinct evidence, policy and kind of address,
and equal records get the same object, which the store relies on.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network
from typing import NamedTuple

from dmarcwatch.classify.evaluate import Context, Essence, Evaluated, context_of, essence_of, evaluate
from dmarcwatch.classify.naming import Address, Named, Namer
from dmarcwatch.classify.outcome import Flag
from dmarcwatch.report import AuthResult, Dkim, Evidence, Record, Report
from dmarcwatch.senders import Senders
from dmarcwatch.ses import (
    SES,
    Own,
    ReturnPath,
    SesSigns,
    SesState,
    Signed,
    is_ses_address,
    is_ses_domain,
    is_ses_host,
    ses_return_path,
    ses_state,
)
from dmarcwatch.streams import Outcome, Place, PlaceKind

_CACHED_EVIDENCE = 4096
"""Distinct evidence remembered. One may hold 100 signatures, so this bounds memory to some megabytes
in practice and to a few hundred where every report is hostile."""
_CACHED_ADDRESSES = 1 << 14
_CACHED_PLACES = 1 << 14
_CACHED_ANSWERS = 12_000
"""Of all policy domains together; an answer holds its evidence."""


class Classification(NamedTuple):
    """What a record is; derived from facts and rebuilt from them when fingerprints change."""

    place: Place
    """The stream it belongs to. Mail of the user's own tenant at a mailbox operator or gateway has kind
    `none`; kind `tenant` is somebody else's, or one that nobody has declared."""
    via: str | None
    """Id of the sender whose servers it used, such as `amazon-ses` for Resend."""
    region: str | None
    """SES region, None where no sign names one and for all other senders."""
    state: str
    """A word of DESIGN 3.3."""
    forwarded: bool
    flags: tuple[str, ...]
    """Words of `outcome.Flag` in alphabetical order."""
    dkim_aligned: bool | None
    """An aligned own signature passes, recomputed; None for a record without signatures."""
    spf_aligned: bool | None
    """SPF passes aligned, recomputed; None where no result for the return path is stated."""
    outcome: Outcome
    listed: bool
    """A reason says mailing list, or a trusted chain of ARC seals."""
    spared: bool
    """Fails, and a reason says why the reporter would let it pass all the same."""
    own_signatures: tuple[tuple[str, str, bool], ...]
    """Selector (empty where not named), d= and whether it passes, in the From domain's organisation."""
    authenticated: bool
    """The operator is proved by a signature or return path of its own, not by address or selector."""
    because: str
    """The sign that named the sender."""


UNALIGNED = "unaligned"
"""The one state that only mail of other senders has; their six others are SES's words as well."""


def no_ptr(ip: str) -> str | None:
    """No host name for any address: the default, because core modules ask no network."""
    return None


class Classifier:
    """Classifies records with one set of fingerprints.

    `own_tenants` are the user's at mailbox operators and gateways, such as `contoso.onmicrosoft.com`.
    `ptr` gives the host name of an address, confirmed forward: a name alone is its network's claim.
    Equal input gives the same object, up to the bounds of the caches.
    """

    def __init__(
        self,
        senders: Senders,
        *,
        own_tenants: frozenset[str] = frozenset(),
        ptr: Callable[[str], str | None] = no_ptr,
    ) -> None:
        self._senders = senders
        self._ptr = ptr
        self._namer = Namer(senders, own_tenants)
        self._judge = lru_cache(maxsize=_CACHED_EVIDENCE)(self._judge_anew)
        self._sources: dict[str, _Source] = {}
        self._addresses: dict[Address, Address] = {}
        self._report: Report | None = None
        self._answers: dict[Context, _Answers] = {}
        self._kept = 0
        self._distinct: dict[Classification, Classification] = {}
        self._placed: dict[tuple[int, str], tuple[Classification, Classification]] = {}

    def classify(self, record: Record, report: Report) -> Classification:
        """The classification of one record of `report`."""
        if report is not self._report:
            self._report, self._context = report, context_of(report)
            known = self._answers.get(self._context)
            if known is None:
                known = self._answers[self._context] = {}
                self._kept += 1  # a context costs as much as an answer
            self._known = known
        ip, evidence = record.source_ip, record.evidence
        source = (self._sources.get(ip) or self._new_source(ip)) if ip else _NOWHERE
        # By identity: the parser makes equal evidence one object, and hashing its tuples costs more than
        # all the rest. What has an id here is kept beside the answer, so no other object can have it.
        answer = self._known.get((id(evidence), id(source.address)))
        found = answer[1] if answer else self._answer(evidence, source.address)
        if found.place.kind is not PlaceKind.NETWORK:
            return found
        placed = self._placed.get((id(found), source.network))
        return placed[1] if placed else self._place(found, source.network)

    def _answer(self, evidence: Evidence, address: Address) -> Classification:
        found = self._judge(essence_of(evidence, self._context), self._context, address)
        if self._kept >= _CACHED_ANSWERS:
            self._answers.clear()
            self._known, self._kept = self._answers.setdefault(self._context, {}), 0
        self._known[id(evidence), id(address)] = (evidence, found)
        self._kept += 1
        return found

    def _new_source(self, ip: str) -> "_Source":
        address = self._address_anew(ip)
        if len(self._sources) >= _CACHED_ADDRESSES:
            self._sources.clear()
        found = self._sources[ip] = _Source(self._addresses.setdefault(address, address), network_of(ip))
        return found

    def _place(self, found: Classification, network: str) -> Classification:
        """The same at one network, so that evidence is judged once for all of them."""
        kind = PlaceKind.NETWORK if network else PlaceKind.NONE
        placed = found._replace(place=found.place._replace(kind=kind, name=network))
        if len(self._placed) >= _CACHED_PLACES:
            self._placed.clear()
        self._placed[id(found), network] = (found, placed)
        return placed

    def _address_anew(self, ip: str) -> Address:
        host = (self._ptr(ip) or "").rstrip(".").lower()
        by_host = self._senders.by_host(host) if host else None
        by_range = self._senders.by_address(ip)
        sender = by_host.sender.id if by_host else None
        at_ses = sender == SES and is_ses_host(host, ip)
        known = ses_return_path(host) if at_ses else None
        return Address(
            direct=at_ses or is_ses_address(ip),
            host=None if sender == SES else sender,
            host_region=known[1] if known and known[0] is ReturnPath.HELO else None,
            range=by_range.id if by_range else None,
        )

    def _judge_anew(self, evidence: Essence, context: Context, address: Address) -> Classification:
        evaluated = evaluate(evidence, context)
        ses = [signature for signature in evidence.dkim if is_ses_domain(signature.domain)]
        verdict = ses_state(_signs(evaluated, ses, address))
        if verdict.sent:
            passing = tuple(signature for signature in ses if signature.result is AuthResult.PASS)
            named = self._namer.of_ses(evaluated, verdict, passing, address)
            forwarded = verdict.forwarded
        else:
            named = self._namer.of_other(evaluated, context, address)
            forwarded = evidence.indirect and bool(evaluated.own)
        state = verdict.state or _state(evaluated)
        anew = _classification(evidence, evaluated, named, _Rest(context.policy_domain, state, forwarded))
        if len(self._distinct) >= _CACHED_ANSWERS:
            self._distinct.clear()
        # Much evidence comes to the same, and what is known of it afterwards hangs on the one object.
        return self._distinct.setdefault(anew, anew)


class _Source(NamedTuple):
    address: Address
    """The one object of its value, so that its id stands for it."""
    network: str
    """Around it; empty where the report names no address."""


_NOWHERE = _Source(Address(direct=None, host=None, host_region=None, range=None), "")
_Answers = dict[tuple[int, int], tuple[Evidence, Classification]]
"""By the ids of evidence and address."""


def network_of(ip: str) -> str:
    """The /24 or /48 around an address, as CIDR: small enough to be one owner's (JUDGEMENT 2)."""
    if ":" not in ip:
        return f"{ip.rpartition('.')[0]}.0/24"
    return str(ip_network((ip, 48), strict=False))


def _signs(evaluated: Evaluated, ses: list[Dkim], address: Address) -> SesSigns:
    spf = evaluated.spf
    passes = spf is not None and spf.result is AuthResult.PASS
    return SesSigns(
        own=_own(evaluated),
        ses=_signed(ses),
        return_path=evaluated.return_path,
        spf_pass=passes,
        spf_aligned=evaluated.spf_aligned is True,
        # SPF of amazonses.com is SES's list as of that day: where it passes, an address that the packaged
        # list does not know yet is new at SES and no forwarder's.
        direct=True if passes and evaluated.return_path is ReturnPath.DEFAULT else address.direct,
        vendor=any(not is_ses_domain(signature.domain) for signature in evaluated.foreign),
    )


def _own(evaluated: Evaluated) -> Own:
    if evaluated.dkim_aligned:
        return Own.ALIGNED
    if not evaluated.own:
        return Own.ABSENT
    passes = any(signature.result is AuthResult.PASS for signature in evaluated.own)
    return Own.UNALIGNED if passes else Own.BROKEN


def _signed(ses: list[Dkim]) -> Signed:
    if not ses:
        return Signed.ABSENT
    passes = any(signature.result is AuthResult.PASS for signature in ses)
    return Signed.PASSED if passes else Signed.FAILED


def _state(evaluated: Evaluated) -> str:
    """The state of mail that SES did not send."""
    if evaluated.dkim_aligned:
        return SesState.BOTH_ALIGNED if evaluated.spf_aligned else SesState.DKIM_ONLY
    if evaluated.spf_aligned:
        return SesState.SPF_ONLY
    own, spf = _own(evaluated), evaluated.spf
    if own is not Own.ABSENT:
        return SesState.OWN_DKIM_BROKEN if own is Own.BROKEN else SesState.STRICT_ADKIM
    passes = spf is not None and spf.result is AuthResult.PASS
    return SesState.STRICT_ASPF if passes and evaluated.return_path is ReturnPath.OWN else UNALIGNED


class _Rest(NamedTuple):
    policy_domain: str
    state: str
    forwarded: bool


def _classification(evidence: Essence, evaluated: Evaluated, named: Named, rest: _Rest) -> Classification:
    flags = evaluated.flags | {Flag.REGION_DISAGREES} if named.region_disagrees else evaluated.flags
    return Classification(
        place=Place(rest.policy_domain, evaluated.header_from, named.sender, named.kind, named.place),
        via=named.via,
        region=named.region,
        state=str(rest.state),
        forwarded=rest.forwarded,
        flags=tuple(sorted(flags)) if flags else (),
        dkim_aligned=evaluated.dkim_aligned,
        spf_aligned=evaluated.spf_aligned,
        outcome=evaluated.outcome,
        listed=evidence.listed,
        spared=evidence.indirect and evaluated.outcome is Outcome.FAIL,
        own_signatures=tuple(
            [
                (selector or "", domain, result is AuthResult.PASS)
                for domain, selector, result in evaluated.own
            ]
        ),
        authenticated=named.authenticated,
        because=named.because,
    )
