"""Builders of records for tests of classification: SES mail that is set up well, unless said otherwise."""

from datetime import UTC, datetime

from dmarcwatch.classify import Classification, Classifier
from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Dialect,
    Dkim,
    DmarcResult,
    Evidence,
    PolicyPublished,
    Reason,
    ReasonType,
    Record,
    Report,
    Spf,
    SpfScope,
)
from dmarcwatch.senders import Senders

SENDERS = Senders.load()
SES_IP = "54.240.8.31"
STRANGER = "203.0.113.7"
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
"""Of the form of Easy DKIM's selectors."""
IRELAND = "ihchhvubuqgjsxyuhssfvqohv7z3u4hn"
VIRGINIA = "224i4yxa5dv7c2xz3womw6peuasteono"

PASS, FAIL = AuthResult.PASS, AuthResult.FAIL
OWN = Dkim("example.com", TOKEN, PASS)
OWN_BROKEN = Dkim("example.com", TOKEN, FAIL)
SES = Dkim("amazonses.com", IRELAND, PASS)
CUSTOM = Spf("bounce.example.com", SpfScope.MFROM, PASS)
DEFAULT = Spf("eu-west-1.amazonses.com", SpfScope.MFROM, PASS)


def report(
    domain: str = "example.com", *, adkim: str | None = None, aspf: str | None = None, report_id: str = "1"
) -> Report:
    policy = PolicyPublished(
        domain,
        adkim=AlignmentMode(adkim) if adkim else None,
        aspf=AlignmentMode(aspf) if aspf else None,
    )
    day = datetime(2026, 11, 1, tzinfo=UTC)
    return Report("google.com", None, report_id, day, day, policy, Dialect.RFC7489)


def record(
    ip: str | None = SES_IP,
    *,
    dkim: tuple[Dkim, ...] = (OWN, SES),
    spf: tuple[Spf, ...] = (CUSTOM,),
    evaluated: tuple[str | None, str | None] = ("pass", "pass"),
    reasons: tuple[Reason, ...] = (),
    header_from: str | None = "example.com",
    envelope_from: str | None = None,
) -> Record:
    by_dkim, by_spf = (DmarcResult(word) if word else None for word in evaluated)
    evidence = Evidence(None, by_dkim, by_spf, reasons, header_from, envelope_from, None, dkim, spf)
    return Record(ip, 1, evidence)


def reason(word: str, comment: str | None = None) -> Reason:
    return Reason(ReasonType(word), comment)


def classify(of: Record, about: Report | None = None, **settings) -> Classification:
    return Classifier(SENDERS, **settings).classify(of, about or report())
