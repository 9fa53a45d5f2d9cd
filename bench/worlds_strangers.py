"""Strangers who use the domain's name: from fresh networks, from the same ones, in waves, through tenants."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bench.worlds_calendar import Days, Draw
from bench.worlds_faults import FORGED_RETURN_PATH, OWN_DKIM_BROKEN, UNALIGNED
from bench.worlds_flows import Flow, Origin, Sightings, Whose, a_network, unknown_origin
from dmarcwatch.streams import Place, PlaceKind


class Strangers(NamedTuple):
    """All forged mail of a world."""

    flows: tuple[Flow, ...]
    sightings: tuple[Sightings, ...]


def draw_strangers(draw: Draw) -> Strangers:
    """The spoofers of a domain; none for a domain nobody abuses."""
    if not draw.chance(draw.rates.spoofed):
        return Strangers((), ())
    daily = draw.log_between(draw.rates.spoof_low, draw.rates.spoof_high)
    flows = [*_fresh(draw, daily), *_through_service(draw, daily)]
    kinds = (_rotating(draw, daily), _reused(draw), _tenants(draw), _domains(draw, daily), _batches(draw))
    return Strangers(tuple(flows), tuple(kind for kind in kinds if kind is not None))


def _fresh(draw: Draw, daily: float) -> Iterator[Flow]:
    """From networks nobody sees again: only their sum is ever visible."""
    sent = daily * draw.rng.gamma(0.7, 1 / 0.7, draw.horizon)
    if draw.chance(draw.rates.wave):
        first = draw.whole(5, draw.days)
        sent[first : first + draw.whole(1, 5)] += draw.daily * draw.log_between(2, 30)
    pool = unknown_origin(draw, PlaceKind.SCATTERED, "")
    pasted = draw.log_between(0.01, 0.2) if draw.chance(draw.rates.pasted) else 0.0
    yield Flow(Whose.STRANGER, "spoof", pool, UNALIGNED, sent * (0.95 - pasted))
    yield Flow(Whose.STRANGER, "spoof as SES", pool, FORGED_RETURN_PATH, sent * 0.05)
    if pasted:
        yield Flow(Whose.STRANGER, "spoof with an old signature", pool, OWN_DKIM_BROKEN, sent * pasted, "s1")


def _rotating(draw: Draw, daily: float) -> Sightings | None:
    """A few networks a day out of a large supply; by chance some come back."""
    if not draw.chance(draw.rates.rotating):
        return None
    supply = round(draw.log_between(100, 50_000))
    origins = tuple(
        unknown_origin(draw, PlaceKind.NETWORK, a_network(draw)) for _ in range(min(supply, 2500))
    )
    number = np.minimum(draw.rng.poisson(draw.log_between(0.5, 15), draw.horizon), 40)
    days = np.repeat(np.arange(draw.horizon), number)
    seen = draw.rng.integers(0, supply, size=len(days))
    # Beyond the named ones a network practically never comes back; they are the flow of fresh ones.
    kept = seen < len(origins)
    messages = draw.rng.geometric(0.4, size=len(days)) * max(1.0, daily / 50)
    return Sightings(
        "spoof, rotating", origins, seen[kept], days[kept], messages[kept].astype(float), UNALIGNED
    )


def _reused(draw: Draw) -> Sightings | None:
    """The same few networks, each on some of the days."""
    if not draw.chance(draw.rates.reused):
        return None
    origins = tuple(
        unknown_origin(draw, PlaceKind.NETWORK, a_network(draw)) for _ in range(draw.whole(2, 10))
    )
    return _on_some_days(draw, "spoof, reused", origins, draw.log_between(0.03, 0.6))


def _tenants(draw: Draw) -> Sightings | None:
    """Other customers of the large mailbox providers: each is used for a while."""
    if not draw.chance(draw.rates.tenants):
        return None
    origins = []
    for index in range(draw.whole(1, 8)):
        sender = "google-workspace" if draw.chance(0.4) else "microsoft-365"
        place = Place(draw.domain, draw.domain, sender, PlaceKind.TENANT, f"stranger-{index}.example")
        origins.append(Origin(place, f"{sender}, stranger-{index}.example", "mailbox"))
    return _on_some_days(draw, "spoof, tenants", tuple(origins), draw.log_between(0.03, 0.5))


def _domains(draw: Draw, daily: float) -> Sightings | None:
    """Throwaway domains that pass SPF for themselves, used for one to four days; a part of all forgery."""
    if not draw.chance(draw.rates.own_domains):
        return None
    number = draw.whole(5, 120)
    origins = tuple(
        unknown_origin(draw, PlaceKind.DOMAIN, f"throwaway-{index}.example") for index in range(number)
    )
    used = draw.rng.integers(1, 5, size=number)
    of = np.repeat(np.arange(number), used)
    first = np.repeat(draw.rng.integers(0, draw.horizon - 6, size=number), used)
    days = first + draw.rng.integers(0, 6, size=len(of))
    messages = daily * draw.horizon * draw.between(0.05, 0.5) * draw.rng.dirichlet(np.full(len(of), 0.7))
    return Sightings("spoof, own domains", origins, of, days, np.ceil(messages), UNALIGNED)


def _batches(draw: Draw) -> Sightings | None:
    """Campaigns: one fresh network or throwaway domain, one day, a whole list of addresses."""
    number = int(draw.rng.poisson(draw.horizon / 40))
    if not draw.chance(draw.rates.batches) or not number:
        return None
    origins = tuple(
        unknown_origin(draw, PlaceKind.DOMAIN, f"batch-{index}.example")
        if draw.chance(0.4)
        else unknown_origin(draw, PlaceKind.NETWORK, a_network(draw))
        for index in range(number)
    )
    days = draw.rng.integers(0, draw.horizon, size=number)
    messages = np.exp(draw.rng.uniform(np.log(20), np.log(2000), size=number))
    return Sightings("spoof, batches", origins, np.arange(number), days, messages, UNALIGNED)


def _through_service(draw: Draw, daily: float) -> Iterator[Flow]:
    """A service that lets a stranger write our From; it signs as itself."""
    if draw.chance(draw.rates.abused_esp):
        place = Place(draw.domain, draw.domain, "elastic-email", PlaceKind.NONE, "")
        sent = (draw.rng.random(draw.horizon) < 0.2).astype(float) * daily * 0.2
        yield Flow(
            Whose.STRANGER, "spoof, service", Origin(place, "Elastic Email", "transactional"), UNALIGNED, sent
        )


def _on_some_days(draw: Draw, source: str, origins: tuple[Origin, ...], active: float) -> Sightings:
    of, days = np.nonzero(draw.rng.random((len(origins), draw.horizon)) < active)
    return Sightings(source, origins, of, days, _sizes(draw, len(of)), UNALIGNED)


def _sizes(draw: Draw, number: int) -> Days:
    return draw.rng.geometric(draw.log_between(0.02, 0.5), size=number).astype(float)
