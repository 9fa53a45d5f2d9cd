"""Databases that pages are looked at with: one as people have it, and those that break pages."""

import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from dmarcwatch.streams import Place, PlaceKind
from dmarcwatch.verdict import (
    Answer,
    Because,
    Blocker,
    Evidence,
    Gate,
    Harm,
    Kind,
    Published,
    Target,
    Verdict,
)
from tests.aside_build import failure, tls
from tests.web_build import AS_OF, Build, Mail, Sent, network, region, scattered

DOMAIN = "example.com"
DAYS = 90
HOSTILE = "<script>alert(1)</script>\"'>{{7*7}}"
LONG = ".".join(["l" * 63] * 3 + ["l" * 57]) + ".com"

_OWN = (
    (DOMAIN, "6gcvxmyjx5cqqtqmqrhqxyxcbdmlgd5y", "pass"),
    ("amazonses.com", "ihchhvubuqgjsxyuhssfvqohv7z3u4hn", "pass"),
)
_SES = (("amazonses.com", "ihchhvubuqgjsxyuhssfvqohv7z3u4hn", "pass"),)

ALIGNED = Mail(
    region(DOMAIN, "eu-west-1"), "Amazon SES eu-west-1", "both-aligned", "54.240.7.11",
    dkim=_OWN, spf=(f"bounce.{DOMAIN}", "pass"), aligned=(True, True),
)  # fmt: skip
FALLBACK = replace(
    ALIGNED,
    state="dkim-only",
    spf=("eu-west-1.amazonses.com", "pass"),
    aligned=(True, False),
    ip="54.240.7.12",
)
FORGOTTEN = Mail(
    region(DOMAIN, "us-east-1"), "Amazon SES us-east-1", "amazonses-only", "54.240.8.40", "shadow",
    dkim=_SES, spf=("amazonses.com", "pass"),
)  # fmt: skip
WORKSPACE = Mail(
    Place(DOMAIN, DOMAIN, "google-workspace", PlaceKind.TENANT, DOMAIN), "Google Workspace", "both-aligned",
    "209.85.220.41", sender_type="mailbox", dkim=((DOMAIN, "google", "pass"),), spf=(DOMAIN, "pass"),
    aligned=(True, True),
)  # fmt: skip
LETTER = Mail(
    Place(DOMAIN, f"news.{DOMAIN}", "sendgrid", PlaceKind.NONE, ""), "SendGrid", "dkim-only", "167.89.12.90",
    sender_type="marketing", dkim=((f"news.{DOMAIN}", "s1", "pass"), ("sendgrid.net", "smtpapi", "pass")),
    spf=("em4711.sendgrid.net", "pass"), aligned=(True, False),
)  # fmt: skip
FORWARDED = replace(
    ALIGNED, state="dkim-only", forwarded=True, ip="203.0.113.40", spf=("lists.example.org", "pass"),
    aligned=(True, False),
)  # fmt: skip
ALTERED = Mail(
    region(DOMAIN, "eu-west-1"), "Amazon SES eu-west-1", "altered", "203.0.113.41",
    dkim=((DOMAIN, "6gcvxmyjx5cqqtqmqrhqxyxcbdmlgd5y", "fail"), _SES[0]), spf=("lists.example.org", "pass"),
    forwarded=True, reasons=(("mailing_list", "announce list"),),
)  # fmt: skip
SERVER = Mail(
    network(DOMAIN, "198.51.100.0/24"), "Unknown, 198.51.100.0/24", "unaligned", "198.51.100.7", "unknown",
    "unknown", spf=("www.example.com", "none"),
)  # fmt: skip


def spoof(n: int) -> Mail:
    """Mail of a stranger with our From."""
    return Mail(
        scattered(DOMAIN), "Unknown, scattered", "unaligned", f"192.0.2.{n % 250 + 1}", "spoof", "unknown",
        spf=(f"bulk{n % 7}.example.net", "softfail"),
    )  # fmt: skip


REPORTERS = (
    ("google.com", 0.55),
    ("Enterprise Outlook", 0.2),
    ("Yahoo", 0.15),
    ("GMX", 0.07),
    ("mail.ru", 0.03),
)


def plausible(path: Path, until: date = AS_OF) -> Path:
    """Ninety days of one domain: SES in order, a forgotten region, a fallback, a newsletter, spoofing."""
    build = Build(path, DOMAIN, {"p": "none", "adkim": "r", "aspf": "r"})
    chance = Random(20261120)
    first = until - timedelta(days=DAYS + 1)
    for age in range(DAYS):
        day = first + timedelta(days=age)
        if age == 45:
            build.policy = build.policy | {"sp": "quarantine", "pct": 100}
        if age % 7 == 0:
            run = build.run(items=35, reports=33, rejects=1, records=180, messages=4000, duplicates=1, set_aside=0,
                            problems=1, unread_messages=2, started_at=f"{day}T04:00:00Z",
                            ended_at=f"{day}T04:00:03Z")  # fmt: skip
            build.reject("no-report", "nothing in it is a report", name="invoice.pdf", run=run)
        sent = _day(day, age, chance)
        for reporter, share in REPORTERS:
            if _reports(reporter, age):
                tier = "unverified" if reporter == "mail.ru" else "verified"
                mails = [(mail, _part(count, share, chance)) for mail, count in sent]
                number = build.report(Sent(reporter, day, tier), [each for each in mails if each[1]])
                if age == 30:
                    build.problem(number, "feedback/record[2]/row/count", "many", None)
    build.run(items=5, reports=5, rejects=0, records=31, messages=812, duplicates=0, set_aside=0, problems=0,
              unread_messages=0, started_at=f"{until}T04:00:00Z", ended_at=f"{until}T04:00:01Z")  # fmt: skip
    _beside(build, until)
    build.label(f"{DOMAIN}/amazon-ses/eu-west-1", "owned", critical=1, note="shop and invoices")
    build.sum_up()
    fell_back = {
        "word": "mail-from-fallback",
        "since": str(first + timedelta(days=68)),
        "message": "no custom MAIL FROM any more: SES fell back to its own return path",
        "severity": "warning",
    }
    build.note(f"{DOMAIN}/amazon-ses/eu-west-1", fell_back)
    build.verdict(not_ready(until))
    return build.close()


def _beside(build: Build, until: date) -> None:
    """What is held, and what the verdict does not read."""
    for age, why, found in (
        (4, "policy", "p=reject, and of these days only p=none is known"),
        (5, "addresses", "198.51.100.0/24 and 1 more sent 4,100 of 4,120 messages"),
    ):
        sent = Sent("reports.example.net", until - timedelta(age), "unverified")
        build.held(build.report(sent, [(spoof(age), 4120)]), why, found)
    build.aside(tls(), failure(), b'{"organization-name": "Reporter", "policies": []}')


def _day(day: date, age: int, chance: Random) -> list[tuple[Mail, int]]:
    weekday = day.weekday() < 5
    sent = [
        (
            FALLBACK if age >= 68 else ALIGNED,
            chance.randint(520, 680) if weekday else chance.randint(150, 220),
        ),
        (WORKSPACE, chance.randint(70, 110) if weekday else chance.randint(4, 12)),
        (FORWARDED, chance.randint(6, 14)),
        (ALTERED, chance.randint(0, 4)),
        (FORGOTTEN, chance.randint(12, 26) if weekday else 0),
        (SERVER, chance.randint(1, 4)),
    ]
    if age >= 34 and day.weekday() == 1:
        sent.append((LETTER, chance.randint(1400, 1700)))
    wave = int(120 + 90 * math.sin(age / 9) + (260 if 50 <= age <= 58 else 0))
    sent.extend((spoof(age * 3 + n), max(1, wave // 3)) for n in range(3))
    return sent


def _reports(reporter: str, age: int) -> bool:
    """Outlook fell silent for good, GMX skips weeks."""
    if reporter == "Enterprise Outlook":
        return age < DAYS - 13
    return reporter != "GMX" or age % 9 < 6


def _part(count: int, share: float, chance: Random) -> int:
    return int(count * share + chance.random())


def not_ready(until: date, domain: str = DOMAIN) -> Verdict:
    """What the judge would say of `plausible`."""
    stream = f"{domain}/amazon-ses/us-east-1"
    fix = (
        "Enable Easy DKIM on the domain identity in us-east-1 and publish its three CNAME records.",
        f"aws sesv2 put-email-identity-dkim-signing-attributes --region us-east-1 --email-identity {domain} "
        "--signing-attributes-origin AWS_SES --signing-attributes NextSigningKeyLength=RSA_2048_BIT",
        "Done when no amazonses-only mail is reported for 14 days.",
    )
    gates = tuple(
        Gate(gate, Target.QUARANTINE, kind, value, limit, ok, f"{gate} was measured", at_least)
        for gate, kind, value, limit, ok, at_least in (
            ("history", Kind.EVIDENCE, 90, 31, True, True),
            ("covered-days", Kind.EVIDENCE, 1.0, 0.9, True, True),
            ("longest-gap", Kind.EVIDENCE, 0, 14, True, False),
            ("messages", Kind.EVIDENCE, 14210, 100, True, True),
            ("month-turn", Kind.EVIDENCE, 2, 1, True, True),
            ("reporters", Kind.EVIDENCE, 4, 3, True, True),
            ("unread", Kind.EVIDENCE, 0.0002, 0.02, True, False),
            ("thin", Kind.EVIDENCE, 0.0, 0.05, True, False),
            ("legit-failing", Kind.RISK, 0.031, 0.02, False, False),
            ("bad-days", Kind.RISK, 0, 1, True, False),
            ("stream-failing", Kind.RISK, 1.0, 0.02, False, False),
            ("state-failing", Kind.RISK, 398, 2, False, False),
            ("unknown-persistent", Kind.RISK, 71, 10, False, False),
            ("unknown-failing", Kind.RISK, 0.004, 0.02, True, False),
            ("doubtful", Kind.RISK, None, 0.05, True, False),
        )
    )
    return Verdict(
        domain=domain, as_of=until, verdict=Answer.NOT_READY, because=Because.RISK,
        published=Published(p="none", sp="quarantine", pct=100, adkim="r", aspf="r", last_seen=until - timedelta(2)),
        target=Target.QUARANTINE,
        evidence=Evidence(until - timedelta(DAYS + 1), until - timedelta(2), 30, 0, 4, 118, 14210, 3, 13),
        quarantine=Harm(legitimate=398, unknown=71, forwarded=60, spoof=3620),
        reject=Harm(legitimate=398, unknown=71, forwarded=60, spoof=3620),
        window=(until - timedelta(31), until - timedelta(2)),
        blockers=(
            Blocker("stream-failing", Kind.RISK, "Amazon SES in us-east-1 sends as example.com without a signature "
                    "of yours: all of its 398 messages fail DMARC and would be quarantined.", stream, 1.0, 0.02, 398, fix),
            Blocker("unknown-persistent", Kind.RISK, "198.51.100.0/24 sent 71 failing messages on 30 days and nobody "
                    "has said whose it is.", f"{domain}/unknown/198.51.100.0-24", 71, 10, 71,
                    (f"dmarcwatch label {domain}/unknown/198.51.100.0-24 owned|forwarder|spoof|ignore",)),
        ),
        warnings=(
            Blocker("degraded", Kind.WARNING, "Amazon SES eu-west-1 lost its own return path on 2026-10-29; only its "
                    "signature keeps it passing.", f"{domain}/amazon-ses/eu-west-1", fix=(
                        f"aws sesv2 put-email-identity-mail-from-attributes --region eu-west-1 --email-identity {domain} "
                        f"--mail-from-domain bounce.{domain} --behavior-on-mx-failure USE_DEFAULT_VALUE",)),
        ),
        gates=gates,
    )  # fmt: skip


def one_report(path: Path) -> Path:
    """A single report of a single message."""
    build = Build(path, DOMAIN)
    build.report(Sent("google.com", AS_OF - timedelta(1)), [(ALIGNED, 1)])
    return build.close()


def two_domains(path: Path) -> Path:
    """Two owners' domains in one file."""
    for domain, reporter in ((DOMAIN, "google.com"), ("other.example", "secret-reporter.example")):
        build = Build(path, domain)
        mail = replace(ALIGNED, place=region(domain, f"region-of-{domain}"), name=f"SES of {domain}")
        for age in range(10):
            build.report(Sent(reporter, AS_OF - timedelta(3 + age)), [(mail, 10)])
        build.verdict(not_ready(AS_OF, domain))
        build.close()
    return path


def crowded(path: Path, streams: int = 400) -> Path:
    """One domain with very many streams."""
    build = Build(path, DOMAIN)
    mails = [
        (replace(SERVER, place=network(DOMAIN, f"10.{n // 256}.{n % 256}.0/24"), name=f"Unknown, net {n}",
                 ip=f"10.{n // 256}.{n % 256}.9"), n + 1)
        for n in range(streams)
    ]  # fmt: skip
    for age in range(5):
        build.report(Sent("google.com", AS_OF - timedelta(3 + age)), mails)
    return build.close()


def hostile(path: Path) -> Path:
    """Everything that a stranger writes is an attack on the page, and as long as it may be."""
    build = Build(path, LONG, {"p": "none"})
    mail = Mail(
        Place(LONG, HOSTILE, "unknown", PlaceKind.DOMAIN, HOSTILE), HOSTILE, "unaligned", "192.0.2.1", "unknown",
        HOSTILE, dkim=((LONG, HOSTILE, "pass"),), spf=(HOSTILE, "pass"), reasons=(("other", HOSTILE),),
    )  # fmt: skip
    link = "https://evil.example/?" + HOSTILE
    run = build.run(source=link, error=HOSTILE, items=1, reports=1, rejects=1)
    build.reject("no-report", HOSTILE, name=link, run=run)
    for age in range(12):
        number = build.report(
            Sent(HOSTILE, AS_OF - timedelta(3 + age)), [(mail, 5)], org_name=link, extra_contact_info=link,
            report_id=HOSTILE,
        )  # fmt: skip
        build.problem(number, HOSTILE, link, 3)
    held = build.report(Sent(HOSTILE, AS_OF - timedelta(3), "unverified"), [(mail, 5)], report_id=HOSTILE)
    build.held(held, HOSTILE, link)
    build.aside(tls(organization_name=HOSTILE, report_id=link))
    build.label(f"{LONG}:{HOSTILE}/unknown/{HOSTILE.replace('/', '-')}", "ignore", note=HOSTILE)
    verdict = not_ready(AS_OF, LONG)
    blockers = tuple(
        replace(each, message=HOSTILE, stream=HOSTILE, fix=(HOSTILE, link)) for each in verdict.blockers
    )
    build.verdict(replace(verdict, blockers=blockers))
    return build.close()
