"""Things that stand, healthy by default, and a database with a domain in it."""

from dataclasses import replace
from datetime import UTC, date, datetime

from dmarcwatch.alerts.values import Alert, Domain, Kind, Note, Policy, Queued, Scene, Sender
from dmarcwatch.ses.remedy import Key

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
SES = "example.com/amazon-ses/eu-central-1"

SENDER = Sender(
    id=SES,
    name="Amazon SES eu-central-1",
    header_from="example.com",
    place="eu-central-1",
    legitimacy="owned",
    first_seen="2026-05-01",
    messages=1000,
    passed=1000,
    keys=(Key("m2xk6yhd4wzt7gqp3rvb5ncsj2uefa4l", "example.com"),),
)
DOMAIN = Domain(
    name="example.com",
    as_of="2026-11-20",
    verdict="ready-for-quarantine",
    target="quarantine",
    evidence={"messages": 91_223, "reports": 402, "reporters": 6, "days_covered": 30},
    senders=(SENDER,),
    policy=Policy({"p": "none", "sp": "none", "pct": "100"}, date(2026, 11, 19)),
)


def domain(**changes):
    return replace(DOMAIN, **changes)


def sender(**changes):
    return replace(SENDER, **changes)


def scene(*domains, **changes):
    return Scene(today=TODAY, domains=domains or (DOMAIN,), **changes)


def note(word, severity="blocker", message="its signature is gone"):
    return Note(word, "2026-11-10", message, severity)


def queued(number=12, title="example.com: not ready for p=quarantine", **changes):
    alert = Alert(
        kind=Kind.VERDICT,
        subject="example.com",
        title=title,
        happened="The verdict on example.com is now: not ready for p=quarantine.",
        evidence=("91,223 messages of your own",),
        fix=("Publish: p=none",),
        page="domain?name=example.com",
        command="dmarcwatch verdict example.com",
    )
    return replace_tuple(Queued(number, alert, NOW), **changes)


def replace_tuple(value, **changes):
    return value._replace(**changes)
