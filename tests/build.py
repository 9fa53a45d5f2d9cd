"""Healthy values with one call: example.com, sent through SES, aligned by DKIM and by SPF.

Each test changes what it is about and leaves the rest.
"""

from datetime import UTC, datetime
from typing import Any

from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Dialect,
    Disposition,
    Dkim,
    DmarcResult,
    Evidence,
    Policy,
    PolicyPublished,
    Record,
    Report,
    Spf,
    SpfScope,
)

SES_SELECTOR = "ug7nbtf4gccmlpwj322ax3p6ow6yfsug"

EVIDENCE = Evidence(
    disposition=Disposition.NONE,
    dkim_evaluated=DmarcResult.PASS,
    spf_evaluated=DmarcResult.PASS,
    reasons=(),
    header_from="example.com",
    envelope_from="bounce.example.com",
    envelope_to=None,
    dkim=(
        Dkim("example.com", "q3ra6lqwlyf4eksfcx2bdmaym3tpgvdr", AuthResult.PASS),
        Dkim("amazonses.com", SES_SELECTOR, AuthResult.PASS),
    ),
    spf=(Spf("bounce.example.com", SpfScope.MFROM, AuthResult.PASS),),
)
POLICY = PolicyPublished(
    domain="example.com",
    adkim=AlignmentMode.RELAXED,
    aspf=AlignmentMode.RELAXED,
    p=Policy.NONE,
    sp=Policy.NONE,
    pct=100,
    fo="0",
)
REPORT = Report(
    org_name="reporter.example",
    org_email="dmarc-noreply@reporter.example",
    report_id="20261118.example.com",
    begin=datetime(2026, 11, 18, tzinfo=UTC),
    end=datetime(2026, 11, 18, 23, 59, 59, tzinfo=UTC),
    policy=POLICY,
    dialect=Dialect.RFC7489,
)


def evidence(**changes: Any) -> Evidence:
    """What SES mail of example.com that is aligned both ways says."""
    return EVIDENCE._replace(**changes)


def record(source_ip: str | None = "54.240.8.11", messages: int = 3, **changes: Any) -> Record:
    """Three messages from SES; `changes` are the evidence's."""
    return Record(source_ip, messages, evidence(**changes))


def policy(**changes: Any) -> PolicyPublished:
    """`v=DMARC1; p=none` as an RFC 7489 reporter shows it."""
    return POLICY._replace(**changes)


def report(**changes: Any) -> Report:
    """One day at one reporter."""
    return REPORT._replace(**changes)
