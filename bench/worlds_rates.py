"""How often things happen in the simulated domains: every rate in one table, with its reason.

Nobody publishes these rates. Where a reference states a figure it is named; everything else is a
guess, said to be one, and stands here so that it can be doubted in one place.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities are per domain unless the line says otherwise; times are days."""

    # The domain itself.
    daily_low: float = 12.0
    daily_high: float = 6000.0
    """Own messages a day, drawn log-uniformly: most domains that ask the question are small firms."""
    weekday_only: float = 0.3
    """Domains that send 2 % of a working day's mail on Saturday and Sunday: offices."""
    shutdown: float = 0.12
    """Domains that close for 5-16 days once (Christmas, August). Guess."""
    strict: float = 0.02
    """Domains with adkim=s or aspf=s: rarely chosen, and against the advice for SES (ses.md 1.4)."""
    policy: str = "none"
    """What the domain publishes: `none`, `staged` (quarantine with t=y and pct=0), `quarantine`, `reject`."""
    no_mail: float = 0.0
    """Domains that send nothing; half of their owners declare it."""

    # Who sends for it.
    ses: float = 0.9
    """Users of this program send through SES."""
    ses_mail_from: float = 0.5
    """SES senders with a custom MAIL FROM; the others align by DKIM (13 of 20 rows in ses.md 1.3)."""
    second_region: float = 0.2
    """SES users with a second region. Guess."""
    mailbox: float = 0.85
    mailbox_signs: float = 0.88
    """Mailbox tenants with DKIM for their own domain; the default of both large providers is without."""
    esp: float = 0.6
    """A marketing or transactional service beside SES."""
    small_mean: float = 0.9
    """Mean number of services that send 0.1-1 % of the mail: helpdesk, surveys, scanners."""
    one_audience: float = 0.12
    """Small senders whose mail goes to one receiver only, such as alerts to the staff. Guess."""
    own_server: float = 0.2
    payroll: float = 0.2
    invoices: float = 0.22
    quarterly: float = 0.08
    vendor_run: float = 0.12
    """A vendor that sends once a month from its own network under its own SPF. Guess."""
    weekly: float = 0.1
    new_sender: float = 0.15
    """A service that begins after the reports do. Guess: one new service a year in a small firm."""

    # What is wrong from the first day: each is a share of the senders of its kind.
    ses_unsigned: float = 0.05
    forgotten_region: float = 0.35
    """Second regions without DKIM: identity, DKIM and MAIL FROM are per region (ses.md T4)."""
    forgotten_identity: float = 0.06
    """SES senders with an address identity that is not signed (ses.md T2, T3)."""
    esp_unaligned: float = 0.18
    """The services' own default: they sign as themselves until the customer publishes records."""
    small_fails: float = 0.16
    rare_fails: float = 0.22
    """Payroll, invoices and quarterly senders: nobody looks at them for weeks."""
    vendor_fails: float = 0.6
    """A vendor's own network aligns only if somebody asked for it."""
    server_fails: float = 0.3
    """Forgotten servers outside the SPF record."""
    repaired: float = 0.75
    """Share of the faults found by the owner that are repaired, the others stay. Guess."""
    repair_days: float = 30.0
    """Mean time to a repair, exponential, on top of five days. Guess."""

    # What goes wrong on the way.
    fault_hazard: float = 1 / 800
    """New lasting faults per sender and day: a key, record or MX is lost once in two years. Guess."""
    incident_hazard: float = 1 / 600
    """One- to three-day failures of a sender that end by themselves. Guess."""
    flapping: float = 0.025
    """Domains with a sender that fails for 1-3 days, again and again."""
    whole_days: float = 0.025
    """Domains with a sender that fails for a whole day every 25-60 days, at random."""
    partial: float = 0.02
    """Domains with one of several keys or servers broken: 0.4-1.5 % of a busy sender."""
    breakage_high: float = 0.004
    """Signatures that break at random: each sender draws its share from 0.1 % up to this."""
    dns_trouble: float = 0.03
    """Domains whose DNS fails on 1-3 single days: reporters write temperror (RFC 9989 5.3.6)."""

    # Mail that goes a second way.
    forwarded_high: float = 0.02
    """Share of the mail that a forwarder sends on, drawn from 0 up to this."""
    survives: float = 0.93
    """Forwarded mail whose own signature still verifies, mean of the forwarders."""
    lists: float = 0.12
    """Domains with a mailbox sender whose people post to mailing lists."""
    list_high: float = 0.012
    """Their share of the people's mail, drawn from 0.1 % up to this."""

    # Strangers who use the name.
    spoofed: float = 0.6
    spoof_low: float = 0.2
    spoof_high: float = 150.0
    """Forged messages a day, drawn log-uniformly."""
    rotating: float = 0.3
    """Spoofed domains whose spoofers rotate through 100-50,000 networks; the others use fresh ones. Guess."""
    reused: float = 0.03
    """Spoofers who come back from the same 2-10 networks."""
    tenants: float = 0.06
    """Spoofers through strangers' tenants at Google and Microsoft."""
    own_domains: float = 0.2
    """Spoofed domains whose forged mail partly passes SPF for a throwaway domain."""
    batches: float = 0.25
    """Spoofed domains that are used for whole batches: one network or throwaway domain, 20-2,000 messages."""
    abused_esp: float = 0.008
    """Spoofers through a service that does not check From. Rare since 2024's bulk sender rules."""
    wave: float = 0.08
    """Domains hit by a wave: 2-30 times the own volume for 1-5 days."""
    pasted: float = 0.03
    """Spoofed domains where some forged mail carries an old signature of ours."""

    # Reporters.
    google_only: float = 0.04
    few_reporters: float = 0.12
    """Two organisations only: small firms with few correspondents."""
    outage_hazard: float = 1 / 180
    """Per reporter and day: no reports for 2-10 days (they are lost, not late)."""
    mailbox_outage: float = 0.05
    """The rua mailbox was full or unread for 3-20 days; two thirds of it arrives later."""
    late_reporter: float = 0.12
    """Domains with one reporter that is 3-9 days late."""
    weekly_reporter: float = 0.02
    """Domains with one small reporter that writes one report for several days."""
    unknown_reporter: float = 0.25
    """Small reporters nobody vouches for: tier `consistent`; they count for nothing."""
    evaluator_bug: float = 0.025
    """Domains with one reporter that evaluates wrongly: lenient, harsh, or with DNS errors."""
    unreadable: float = 0.03
    """Domains with one reporter whose reports are partly unreadable."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of world: what is certain in it, and how often a run draws it."""

    name: str
    weight: float
    rates: Rates


BASE = Rates()

_OFFICE = replace(BASE, weekday_only=1.0)
_WELL_REPORTED = replace(BASE, google_only=0.0, few_reporters=0.0)
_ENFORCING = replace(
    BASE,
    policy="quarantine",
    ses_unsigned=0.01,
    forgotten_region=0.1,
    forgotten_identity=0.02,
    esp_unaligned=0.04,
    small_fails=0.04,
    rare_fails=0.08,
    vendor_fails=0.2,
    server_fails=0.08,
)
"""Who enforces has been through the first repairs: a quarter of the old faults are left. Guess."""

KINDS = (
    Kind("plain", 20, BASE),
    Kind("ses-unsigned", 2, replace(BASE, ses=1.0, ses_unsigned=1.0)),
    Kind("ses-region", 4, replace(BASE, ses=1.0, second_region=1.0, forgotten_region=0.7)),
    Kind("ses-identity", 3, replace(BASE, ses=1.0, forgotten_identity=1.0)),
    Kind("ses-decays", 4, replace(BASE, ses=1.0, fault_hazard=1 / 120)),
    Kind("esp-unaligned", 4, replace(BASE, esp=1.0, esp_unaligned=0.8)),
    Kind("payroll", 3, replace(BASE, payroll=1.0, rare_fails=0.5)),
    Kind("invoices", 3, replace(BASE, invoices=1.0, rare_fails=0.5)),
    Kind("quarterly", 2, replace(BASE, quarterly=1.0, rare_fails=0.5)),
    Kind("vendor-run", 3, replace(BASE, vendor_run=1.0)),
    Kind("small-senders", 4, replace(BASE, small_mean=3.0, small_fails=0.3)),
    Kind("own-server", 3, replace(BASE, own_server=1.0, server_fails=0.5)),
    Kind("new-sender", 2, replace(BASE, new_sender=1.0)),
    Kind("flapping", 2, replace(BASE, flapping=1.0)),
    Kind("whole-days", 2, replace(BASE, whole_days=1.0)),
    Kind("partial", 2, replace(BASE, partial=1.0)),
    Kind("incidents", 3, replace(BASE, incident_hazard=1 / 80)),
    Kind("strict", 1, replace(BASE, strict=1.0)),
    Kind("forwarders", 3, replace(BASE, forwarded_high=0.06, survives=0.8)),
    Kind("lists", 3, replace(BASE, mailbox=1.0, lists=1.0, list_high=0.03)),
    Kind("spoof-fresh", 4, replace(BASE, spoofed=1.0, rotating=0.0, spoof_low=5.0, spoof_high=2000.0)),
    Kind("spoof-rotating", 2, replace(BASE, spoofed=1.0, rotating=1.0)),
    Kind("spoof-reused", 2, replace(BASE, spoofed=1.0, reused=1.0)),
    Kind("spoof-tenants", 2, replace(BASE, spoofed=1.0, tenants=1.0)),
    Kind("spoof-waves", 2, replace(BASE, spoofed=1.0, wave=1.0)),
    Kind("google-only", 3, replace(BASE, google_only=1.0)),
    Kind("reporter-gaps", 3, replace(_WELL_REPORTED, outage_hazard=1 / 30, mailbox_outage=0.5)),
    Kind("late-reports", 2, replace(BASE, late_reporter=1.0, weekly_reporter=0.5)),
    Kind("evaluator-bug", 2, replace(BASE, evaluator_bug=1.0)),
    Kind("shutdown", 2, replace(_OFFICE, shutdown=1.0)),
    Kind("low-volume", 5, replace(BASE, daily_low=0.4, daily_high=9.0)),
    Kind("high-volume", 3, replace(_WELL_REPORTED, daily_low=8e3, daily_high=2e5)),
    Kind("weekday-only", 3, _OFFICE),
    Kind("staged", 2, replace(BASE, policy="staged")),
    Kind("quarantined", 16, _ENFORCING),
    Kind("quarantined-decays", 4, replace(_ENFORCING, fault_hazard=1 / 150, flapping=0.15)),
    Kind("quarantined-lists", 2, replace(_ENFORCING, mailbox=1.0, lists=1.0)),
    Kind("quarantined-spoofed", 3, replace(_ENFORCING, spoofed=1.0, spoof_low=5.0, reused=0.2)),
    Kind("rejecting", 4, replace(_ENFORCING, policy="reject", fault_hazard=1 / 300)),
    Kind("parked", 2, replace(BASE, no_mail=1.0, spoofed=0.9)),
)
"""The weights are a guess at what a user of this program brings; each result is also shown by kind."""
