"""Who sends a domain's own mail: SES, services, people, own servers, runs of payroll and invoices."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from bench import worlds_calendar as rhythm
from bench.worlds_calendar import Days, Draw
from bench.worlds_faults import (
    AMAZONSES_ONLY,
    BOTH,
    DKIM_ONLY,
    MAIL_FROM_SPF_BROKEN,
    NULL_RETURN_PATH,
    OWN_DKIM_BROKEN,
    SPF_DKIM_BROKEN,
    SPF_ONLY,
    STRICT_ADKIM,
    STRICT_ASPF,
    UNALIGNED,
    Auth,
    Fault,
    flapping,
    incident,
    lasting,
    never_set_up,
    partial,
    whole_days,
)
from bench.worlds_flows import Origin, Sender, a_network, unknown_origin
from dmarcwatch.streams import Place, PlaceKind

REGIONS = ("us-east-1", "eu-west-1", "eu-central-1", "us-west-2", "ap-southeast-2")
_SERVICES = (
    ("sendgrid", "transactional"),
    ("mailchimp", "marketing"),
    ("hubspot", "marketing"),
    ("brevo", "marketing"),
    ("mailgun", "transactional"),
    ("salesforce", "saas"),
    ("postmark", "transactional"),
    ("klaviyo", "marketing"),
)
_SMALL_SERVICES = (
    ("zendesk", "saas"),
    ("freshworks", "saas"),
    ("helpscout", "saas"),
    ("intercom", "saas"),
    ("stripe", "saas"),
    ("atlassian", "saas"),
    ("shopify", "saas"),
)
_RARE_SERVICES = (
    ("zoho-campaigns", "marketing"),
    ("mailjet", "transactional"),
    ("socketlabs", "transactional"),
)
_FOR_GOOD = 10_000

Phases = tuple[tuple[int, Auth], ...]


class Setup(NamedTuple):
    """How a sender authenticates when all is well, and how that gets lost for good."""

    normal: tuple[tuple[Auth, float], ...]
    selector: str | None
    broken: Auth
    losses: tuple[Phases, ...]
    unset: Auth
    """What its mail looks like where nobody ever set it up."""


def draw_senders(draw: Draw) -> tuple[Sender, ...]:
    """All senders of a domain with their faults; empty for a domain without mail."""
    if draw.chance(draw.rates.no_mail):
        return ()
    main = list(_main_senders(draw))
    if not main:
        main.append(_people(draw))
    weights = draw.rng.dirichlet([1.5] * len(main))
    scaled = [replace(each, sent=each.sent * share) for each, share in zip(main, weights, strict=True)]
    senders = [*scaled, *_small_senders(draw), *_runs(draw)]
    return _with_odd_faults(draw, senders)


def _main_senders(draw: Draw) -> Iterator[Sender]:
    rates = draw.rates
    if draw.chance(rates.ses):
        yield from _amazon(draw)
    if draw.chance(rates.mailbox):
        yield _people(draw)
    if draw.chance(rates.esp):
        yield _service(draw)
    if draw.chance(rates.own_server):
        yield _server(draw)


def _amazon(draw: Draw) -> Iterator[Sender]:
    """One SES region, perhaps with a forgotten identity in it, perhaps a second region."""
    rates = draw.rates
    other = draw.rng.choice([region for region in REGIONS if region != draw.region])
    setup = _ses_setup(draw)
    strict = (
        (never_set_up(draw, STRICT_ADKIM),) if setup.normal[0][0] is STRICT_ASPF and draw.chance(0.3) else ()
    )
    unset = (never_set_up(draw, setup.unset),) if draw.chance(rates.ses_unsigned) else ()
    forgotten: tuple[Fault, ...] = ()
    if draw.chance(rates.forgotten_identity):
        forgotten = (never_set_up(draw, AMAZONSES_ONLY, draw.log_between(0.005, 0.06)),)
    yield _build(draw, _ses_origin(draw, draw.region), setup, (*strict, *unset, *forgotten))
    if draw.chance(rates.second_region):
        second = _ses_setup(draw)
        faults = (never_set_up(draw, AMAZONSES_ONLY),) if draw.chance(rates.forgotten_region) else ()
        sender = _build(draw, _ses_origin(draw, str(other)), second, faults)
        yield replace(sender, sent=sender.sent * draw.log_between(0.02, 0.6))


def _ses_origin(draw: Draw, region: str) -> Origin:
    place = Place(draw.domain, draw.domain, "amazon-ses", PlaceKind.REGION, region)
    return Origin(place, f"Amazon SES {region}", "transactional")


def _ses_setup(draw: Draw) -> Setup:
    broken = draw.between(0.001, draw.rates.breakage_high)
    selector = "".join(draw.rng.choice(list("abcdefghijklmnopqrstuvwxyz234567"), size=32))
    if draw.strict:
        return Setup(((STRICT_ASPF, 1 - broken), (OWN_DKIM_BROKEN, broken)), selector, OWN_DKIM_BROKEN,
                     (((4, OWN_DKIM_BROKEN), (_FOR_GOOD, AMAZONSES_ONLY)),), AMAZONSES_ONLY)  # fmt: skip
    if draw.chance(draw.rates.ses_mail_from):
        return Setup(
            ((BOTH, 0.998 - broken), (SPF_DKIM_BROKEN, broken), (NULL_RETURN_PATH, 0.002)),
            selector,
            OWN_DKIM_BROKEN,
            (
                ((_FOR_GOOD, DKIM_ONLY),),  # the MX of MAIL FROM is lost: the silent fallback (T1)
                ((_FOR_GOOD, MAIL_FROM_SPF_BROKEN),),
                ((4, SPF_DKIM_BROKEN), (_FOR_GOOD, SPF_ONLY)),  # the CNAMEs are lost (T5)
                ((_FOR_GOOD, AMAZONSES_ONLY),),  # the identity was made anew, or in another account
            ),
            AMAZONSES_ONLY,
        )
    return Setup(((DKIM_ONLY, 1 - broken), (OWN_DKIM_BROKEN, broken)), selector, OWN_DKIM_BROKEN,
                 (((4, OWN_DKIM_BROKEN), (_FOR_GOOD, AMAZONSES_ONLY)), ((_FOR_GOOD, AMAZONSES_ONLY),)),
                 AMAZONSES_ONLY)  # fmt: skip


def _service_setup(draw: Draw, selector: str) -> Setup:
    broken = draw.between(0.001, draw.rates.breakage_high)
    if draw.chance(0.6):
        return Setup(((BOTH, 1 - broken), (SPF_DKIM_BROKEN, broken)), selector, UNALIGNED,
                     (((_FOR_GOOD, SPF_ONLY),), ((_FOR_GOOD, DKIM_ONLY),), ((_FOR_GOOD, UNALIGNED),)),
                     UNALIGNED)  # fmt: skip
    return Setup(((DKIM_ONLY, 1 - broken), (OWN_DKIM_BROKEN, broken)), selector, OWN_DKIM_BROKEN,
                 (((_FOR_GOOD, OWN_DKIM_BROKEN),), ((_FOR_GOOD, UNALIGNED),)), UNALIGNED)  # fmt: skip


def _people(draw: Draw) -> Sender:
    """The own tenant at Google or Microsoft; the place of an own tenant has no name."""
    sender = "google-workspace" if draw.chance(0.5) else "microsoft-365"
    origin = Origin(Place(draw.domain, draw.domain, sender, PlaceKind.NONE, ""), sender, "mailbox")
    broken = draw.between(0.001, draw.rates.breakage_high)
    setup = Setup(((BOTH, 1 - broken), (SPF_DKIM_BROKEN, broken)), "google", UNALIGNED,
                  (((_FOR_GOOD, SPF_ONLY),), ((_FOR_GOOD, DKIM_ONLY),), ((_FOR_GOOD, UNALIGNED),)),
                  UNALIGNED)  # fmt: skip
    if not draw.chance(draw.rates.mailbox_signs):
        setup = Setup(((SPF_ONLY, 1.0),), None, UNALIGNED, (((_FOR_GOOD, UNALIGNED),),), UNALIGNED)
    return replace(_build(draw, origin, setup, ()), people=True)


def _service(draw: Draw) -> Sender:
    sender, sender_type = _SERVICES[draw.whole(0, len(_SERVICES) - 1)]
    faults = (never_set_up(draw, UNALIGNED),) if draw.chance(draw.rates.esp_unaligned) else ()
    sent = rhythm.campaigns(draw, draw.daily) if sender_type == "marketing" else None
    header_from = f"news.{draw.domain}" if draw.chance(0.2) else draw.domain
    origin = Origin(Place(draw.domain, header_from, sender, PlaceKind.NONE, ""), sender, sender_type)
    return _build(draw, origin, _service_setup(draw, f"{sender}-1"), faults, sent)


def _server(draw: Draw) -> Sender:
    origin = unknown_origin(draw, PlaceKind.NETWORK, a_network(draw))
    signed = Setup(
        ((BOTH, 0.998), (SPF_DKIM_BROKEN, 0.002)), "mail", UNALIGNED, (((_FOR_GOOD, UNALIGNED),),), UNALIGNED
    )
    plain = Setup(((SPF_ONLY, 1.0),), None, UNALIGNED, (((_FOR_GOOD, UNALIGNED),),), UNALIGNED)
    faults = (never_set_up(draw, UNALIGNED),) if draw.chance(draw.rates.server_fails) else ()
    sender = _build(draw, origin, signed if draw.chance(0.6) else plain, faults)
    return replace(sender, sent=sender.sent * draw.log_between(0.02, 0.5))


def _small_senders(draw: Draw) -> Iterator[Sender]:
    """Services that send 0.1-1 % of the mail."""
    number = min(int(draw.rng.poisson(draw.rates.small_mean)), len(_SMALL_SERVICES))
    for index in draw.rng.choice(len(_SMALL_SERVICES), size=number, replace=False):
        sender, sender_type = _SMALL_SERVICES[index]
        origin = Origin(Place(draw.domain, draw.domain, sender, PlaceKind.NONE, ""), sender, sender_type)
        if draw.chance(0.25):  # a scanner, a cron job: an address nobody has a name for
            origin = unknown_origin(draw, PlaceKind.NETWORK, a_network(draw))
        faults = (never_set_up(draw, UNALIGNED),) if draw.chance(draw.rates.small_fails) else ()
        sent = rhythm.every_day(draw, draw.daily * draw.log_between(0.001, 0.01))
        begins = draw.whole(10, 100) if draw.chance(draw.rates.new_sender) else 0
        sent[:begins] = 0.0
        built = _build(draw, origin, _service_setup(draw, f"small-{index}"), faults, sent)
        yield replace(built, audience=0 if draw.chance(draw.rates.one_audience) else None)


def _runs(draw: Draw) -> Iterator[Sender]:
    """Payroll, invoices, quarterly statements, weekly letters and a vendor's own monthly run."""
    rates = draw.rates
    if draw.chance(rates.payroll):
        yield _run(draw, "payroll", rhythm.monthly(draw, _run_size(draw), month_day=draw.whole(24, 28)))
    if draw.chance(rates.invoices):
        yield _run(draw, "invoices", rhythm.month_end(draw, _run_size(draw)))
    if draw.chance(rates.quarterly):
        yield _run(draw, "quarterly", rhythm.quarterly(draw, _run_size(draw)))
    if draw.chance(rates.weekly):
        yield _run(draw, "weekly", rhythm.weekly(draw, _run_size(draw) / 4))
    if draw.chance(rates.vendor_run):
        yield _vendor(draw, rhythm.monthly(draw, _run_size(draw), month_day=draw.whole(1, 28)))


def _run_size(draw: Draw) -> float:
    """Messages of one run: 0.2-5 % of a month's mail, at least the staff of a small firm."""
    return max(5.0, draw.daily * 22 * draw.log_between(0.002, 0.05))


def _run(draw: Draw, key: str, sent: Days) -> Sender:
    """A run through SES (inside a region that is otherwise good), a service, or an own server."""
    where = draw.rng.random()
    if where < 0.35 and draw.chance(draw.rates.ses):
        origin, setup = _ses_origin(draw, draw.region), _ses_setup(draw)
    elif where < 0.75:
        sender, sender_type = _RARE_SERVICES[draw.whole(0, len(_RARE_SERVICES) - 1)]
        origin = Origin(Place(draw.domain, draw.domain, sender, PlaceKind.NONE, ""), sender, sender_type)
        setup = _service_setup(draw, f"{sender}-1")
    else:
        origin = unknown_origin(draw, PlaceKind.NETWORK, a_network(draw))
        setup = Setup(((SPF_ONLY, 1.0),), None, UNALIGNED, (((_FOR_GOOD, UNALIGNED),),), UNALIGNED)
    faults = (never_set_up(draw, setup.unset),) if draw.chance(draw.rates.rare_fails) else ()
    return replace(_build(draw, origin, setup, faults, sent), key=f"{key}:{origin.name}")


def _vendor(draw: Draw, sent: Days) -> Sender:
    """A vendor's network, authenticated as the vendor: aligned only where somebody asked for it."""
    setup = Setup(((DKIM_ONLY, 1.0),), "vendor", OWN_DKIM_BROKEN, (((_FOR_GOOD, UNALIGNED),),), UNALIGNED)
    faults = (never_set_up(draw, UNALIGNED),) if draw.chance(draw.rates.vendor_fails) else ()
    origin = unknown_origin(draw, PlaceKind.DOMAIN, "mail.payroll-vendor.example")
    return replace(_build(draw, origin, setup, faults, sent), key="vendor-run")


def _build(
    draw: Draw, origin: Origin, setup: Setup, faults: tuple[Fault, ...], sent: Days | None = None
) -> Sender:
    """A sender with the faults that come over it in the time of the simulation."""
    lost: list[Fault] = []
    for _ in range(int(draw.rng.poisson(draw.rates.fault_hazard * draw.horizon))):
        lost += lasting(draw, setup.losses[draw.whole(0, len(setup.losses) - 1)])
    for _ in range(int(draw.rng.poisson(draw.rates.incident_hazard * draw.horizon))):
        lost.append(incident(draw, setup.broken))
    return Sender(
        key=origin.name,
        origin=origin,
        selector=setup.selector,
        sent=rhythm.every_day(draw, draw.daily) if sent is None else sent,
        normal=setup.normal,
        broken=setup.broken,
        faults=(*faults, *lost),
    )


def _with_odd_faults(draw: Draw, senders: list[Sender]) -> tuple[Sender, ...]:
    """Faults that come and go, whole days and one bad key among several: each hits one sender."""
    for rate, make in (
        (draw.rates.flapping, flapping),
        (draw.rates.whole_days, whole_days),
        (draw.rates.partial, partial),
    ):
        if draw.chance(rate):
            hit = draw.whole(0, len(senders) - 1)
            sender = senders[hit]
            senders[hit] = replace(sender, faults=(*sender.faults, make(draw, sender.broken)))
    return tuple(senders)
