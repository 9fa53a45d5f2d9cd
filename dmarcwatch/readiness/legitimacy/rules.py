"""The rules of JUDGEMENT 3 in their order; the first that applies decides."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network

from dmarcwatch.readiness.legitimacy.persistence import failing_days, is_daily, persists
from dmarcwatch.readiness.legitimacy.signing import OPERATOR_TYPES, signed_elsewhere, signs_with
from dmarcwatch.readiness.legitimacy.standing import Context, Standing
from dmarcwatch.readiness.timeline import Track
from dmarcwatch.streams import Legitimacy, PlaceKind, Stream
from dmarcwatch.text import count

NEVER_ASKED = frozenset({PlaceKind.SCATTERED, PlaceKind.TENANT})
"""The pool has no owner, and a stranger's tenant at a mailbox provider is named as the stranger's."""

_LABELLED = {
    "owned": Legitimacy.OWNED,
    "forwarder": Legitimacy.FORWARDED,
    "spoof": Legitimacy.SPOOF,
    "ignore": Legitimacy.UNKNOWN,
}


Rule = Callable[[Track, Context], Standing | None]


def assess(track: Track, context: Context) -> Standing:
    """The standing of a stream from what had been received."""
    for rule in _RULES:
        standing = rule(track, context)
        if standing is not None:
            return standing
    return Standing(Legitimacy.UNKNOWN, 0.3, "nothing says whose mail this is")


def _labelled(track: Track, context: Context) -> Standing | None:
    label = context.labels.get(track.stream.id)
    if label is None or label.word not in _LABELLED:
        return None
    return Standing(_LABELLED[label.word], 1.0, f"you labelled it {label.word} on {label.given}")


def _declared(track: Track, context: Context) -> Standing | None:
    place, declared = track.stream.place, context.declared
    if place.sender in declared.owned_senders:
        return Standing(Legitimacy.OWNED, 1.0, f"the configuration owns sender {place.sender}")
    if place.kind is PlaceKind.NETWORK and _within(place.name, declared.owned_networks):
        return Standing(Legitimacy.OWNED, 1.0, f"the configuration owns network {place.name}")
    if place.kind is PlaceKind.DOMAIN and place.name in declared.owned_domains:
        return Standing(Legitimacy.OWNED, 1.0, f"the configuration owns {place.name}")
    if not track.shared and signs_with(track, declared.owned_selectors, context.today):
        return Standing(Legitimacy.OWNED, 1.0, "the configuration owns its DKIM selector")
    return None


@lru_cache(maxsize=4096)
def _within(network: str, owned: tuple[str, ...]) -> bool:
    """Whether two networks overlap; what is no network overlaps nothing."""
    try:
        place = ip_network(network, strict=False)
        nets = [ip_network(text, strict=False) for text in owned]
    except ValueError:
        return False
    return any(place.version == net.version and place.overlaps(net) for net in nets)


def _unseen(track: Track, context: Context) -> Standing | None:
    """Reports that are not trusted make nothing legitimate (JUDGEMENT 5)."""
    if track.totals.messages or track.indirect:
        return None
    return Standing(Legitimacy.UNKNOWN, 0.1, "no trusted report shows it")


def _forwarded(track: Track, context: Context) -> Standing | None:
    """Signed by the domain, not sent by whoever signs with that selector, and SPF not aligned."""
    totals = track.totals
    if not totals.messages:
        return Standing(Legitimacy.FORWARDED, 0.8, "all of it came by forwarders")
    if not track.shared or track.stream.place.kind is PlaceKind.SCATTERED or totals.spf:
        return None
    others = signed_elsewhere(track, context)
    if totals.dkim and others:
        because = f"it carries the signature of {min(others)}, and SPF is not aligned"
        return Standing(Legitimacy.FORWARDED, 0.8, because)
    listed = sum(cell.listed + cell.hinted for cell in track.indirect.values())
    if listed >= context.thresholds.listed_stream_share * max(1, totals.messages + listed):
        if others:
            because = f"it breaks the signature of {min(others)}, and reporters call it a list or a forwarder"
            return Standing(Legitimacy.FORWARDED, 0.7, because)
        # A return path of one's own is every vendor's; a list leaves the author's signature, mostly broken.
        if track.stream.place.kind is PlaceKind.DOMAIN and totals.signed * 2 > totals.failing:
            because = (
                "it rewrites the return path to its own domain, and reporters call it a list or a forwarder"
            )
            return Standing(Legitimacy.FORWARDED, 0.6, because)
    return None


def _owned(track: Track, context: Context) -> Standing | None:
    place, totals = track.stream.place, track.totals
    if place.kind is PlaceKind.SCATTERED:
        return None
    if totals.spf:
        return Standing(
            Legitimacy.OWNED, 0.95 if totals.dkim else 0.9, "SPF passes aligned: your record lists it"
        )
    if not totals.dkim:
        return None
    if place.sender != "unknown":
        return Standing(Legitimacy.OWNED, 0.95, f"{track.stream.name} signs it with your DKIM key")
    if track.stream.id in context.homes.values():
        return Standing(
            Legitimacy.OWNED, 0.6, "it signs with your DKIM key, which no other sender of yours uses"
        )
    return None


def _shadow(track: Track, context: Context) -> Standing | None:
    stream = track.stream
    if stream.sender_type in OPERATOR_TYPES:
        because = f"{stream.name} authenticates it as its customer's, without alignment"
        return Standing(Legitimacy.SHADOW, 0.7, because)
    if stream.place.kind is not PlaceKind.SCATTERED and track.totals.states.get("strict-aspf"):
        because = "SPF passes for another name of yours, which aspf=s does not align"
        return Standing(Legitimacy.SHADOW, 0.8, because)
    if stream.place.sender != "unknown" and track.totals.states.get("strict-adkim"):
        because = "it signs as another name of yours, which adkim=s does not align"
        return Standing(Legitimacy.SHADOW, 0.8, because)
    if stream.sender_type in ("mailbox", "gateway") and is_own_tenant(stream):
        return Standing(Legitimacy.SHADOW, 0.6, f"the tenant {stream.place.name} bears your name")
    return None


def is_own_tenant(stream: Stream) -> bool:
    """Whether a mailbox provider's tenant is the domain's own, by the name the provider gave it.

    Google names tenants `example-com`, Microsoft by the first label only (`example.onmicrosoft.com`).
    """
    place = stream.place
    if place.kind is not PlaceKind.TENANT or not place.name:
        return False
    own = {place.policy_domain, place.header_from, place.policy_domain.partition(".")[0]}
    tenant = place.name.removesuffix(".onmicrosoft.com").removesuffix(".gappssmtp.com")
    return bool({tenant, tenant.replace("-", "."), tenant.partition(".")[0].replace("-", ".")} & own)


def _persistent(track: Track, context: Context) -> Standing | None:
    if track.stream.place.kind in NEVER_ASKED or not track.failing_days:
        return None
    others = signed_elsewhere(track, context)
    if others:
        # One sign of a forwarder is no proof (dmarc.md 6): its share stays bounded by `unknown-failing`.
        return Standing(Legitimacy.UNKNOWN, 0.4, f"it breaks the signature of {min(others)}, as lists do")
    limits = context.thresholds
    days = failing_days(track, since=context.last - limits.long_days + 1, until=context.last)
    if not persists(days, last=context.last, reporters=context.reporters, thresholds=limits):
        return None
    return Standing(
        Legitimacy.UNKNOWN, 0.5, f"it failed on {len(days)} days of two months: only you can say", asked=True
    )


def _spoof(track: Track, context: Context) -> Standing | None:
    totals = track.totals
    if not totals.failing or totals.signed * 2 > totals.failing:
        return None
    if totals.passed and track.stream.place.kind is not PlaceKind.SCATTERED:
        return None
    if track.stream.place.kind is PlaceKind.TENANT and (days := _workdays(track, context)):
        # Companies do sign in under other names than they write from: bounded by `unknown-failing`.
        because = f"a tenant that is not named as yours sent it on {count(days, 'day')} of the last month"
        return Standing(Legitimacy.UNKNOWN, 0.4, because)
    return Standing(Legitimacy.SPOOF, 0.8, "it fails, carries no signature of yours and does not persist")


def _workdays(track: Track, context: Context) -> int:
    """Days of the last month on which a place failed that is at it day by day, as people are; else 0."""
    limits = context.thresholds
    days = failing_days(track, since=context.last - limits.persistent_window + 1, until=context.last)
    daily = is_daily(days, last=context.last, reporters=context.reporters, thresholds=limits)
    return len(days) if daily else 0


_RULES: tuple[Rule, ...] = (_labelled, _declared, _unseen, _forwarded, _owned, _shadow, _persistent, _spoof)
