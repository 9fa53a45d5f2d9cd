"""One aggregate report in the words of RFC 9990 appendix A and RFC 7489 appendix C.

Absent is None, never the word "none", an empty string or a default: reporters send "none" as a
word of its own. Text has been cleaned of control characters where it was read (parse.py); domains
are lower-case A-labels without a trailing dot.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class Policy(StrEnum):
    """What the domain asks for (RFC 9989 section 4.7, tags p, sp and np)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Disposition(StrEnum):
    """What the receiver did; `pass` is RFC 9990's word for a DMARC pass under an enforcing policy."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    PASS = "pass"


class AlignmentMode(StrEnum):
    """Strict asks for the same domain, relaxed for the same organizational domain (RFC 9989 4.4)."""

    RELAXED = "r"
    STRICT = "s"


class DmarcResult(StrEnum):
    """The reporter's own aligned outcome of one mechanism (`policy_evaluated/dkim` and `/spf`)."""

    PASS = "pass"
    FAIL = "fail"


class AuthResult(StrEnum):
    """Raw outcome of one mechanism, not alignment (RFC 8601 section 2.7); `softfail` is SPF's alone."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfScope(StrEnum):
    """Which identity SPF was asked for; absent means MAIL FROM for Google, Yahoo and SES."""

    HELO = "helo"
    MFROM = "mfrom"


class ReasonType(StrEnum):
    """Why the disposition differs from the policy; RFC 7489's words and RFC 9990's in one list."""

    FORWARDED = "forwarded"
    SAMPLED_OUT = "sampled_out"
    TRUSTED_FORWARDER = "trusted_forwarder"
    MAILING_LIST = "mailing_list"
    LOCAL_POLICY = "local_policy"
    POLICY_TEST_MODE = "policy_test_mode"
    OTHER = "other"


class Dialect(StrEnum):
    """Which generation the report was written in; changes warnings, never meaning."""

    RFC9990 = "rfc9990"
    RFC7489 = "rfc7489"
    DRAFT = "draft"


class Grade(StrEnum):
    """How well the document could be read."""

    CLEAN = "clean"
    """As the RFCs say."""
    REPAIRED = "repaired"
    """A known deviation was read by its known meaning."""
    RECOVERED = "recovered"
    """Malformed or cut XML: records may be missing, so it never counts as good evidence."""


class Tier(StrEnum):
    """How far a report is trusted (RFC 9990 section 3.5.2: its mail must pass DMARC, aligned)."""

    LOCAL = "local"
    """A file that the user named."""
    VERIFIED = "verified"
    """Its mail passed DMARC for a domain known to be this reporter's."""
    CONSISTENT = "consistent"
    """Its mail passed DMARC for a domain nobody has vouched for."""
    UNVERIFIED = "unverified"
    """Nothing is known, or its mail failed."""


class Dkim(NamedTuple):
    """One signature's result in `auth_results`."""

    domain: str
    """d=, the signing domain."""
    selector: str | None
    """s=; SES as a reporter never names it."""
    result: AuthResult | None
    """None where the reporter's word is unknown; unknown is not a pass."""


class Spf(NamedTuple):
    """One SPF result in `auth_results`."""

    domain: str | None
    """The domain asked: MAIL FROM's, or HELO's for a null reverse-path. None where left empty."""
    scope: SpfScope | None
    result: AuthResult | None


class Reason(NamedTuple):
    """Why a disposition differs from the policy."""

    type: ReasonType | None
    """None where the element is empty or its word unknown."""
    comment: str | None


class Evidence(NamedTuple):
    """All that a record says beside its address and its count.

    Most records of a report say the same, so equal evidence is one object (parse.py interns it),
    is classified once and stored once. The three groups of the schema stand in its order:
    `policy_evaluated`, `identifiers`, `auth_results`.
    """

    disposition: Disposition | None
    """What was done."""
    dkim_evaluated: DmarcResult | None
    """The reporter's aligned DKIM outcome."""
    spf_evaluated: DmarcResult | None
    """The reporter's aligned SPF outcome."""
    reasons: tuple[Reason, ...]
    header_from: str | None
    """RFC 5322 From domain; None where the reporter left it out or it is no domain name."""
    envelope_from: str | None
    """RFC 5321 MailFrom domain; the empty string is a null reverse-path, None is absent."""
    envelope_to: str | None
    dkim: tuple[Dkim, ...]
    """Without repetitions and without entries that name no domain (an unsigned message)."""
    spf: tuple[Spf, ...]


class Record(NamedTuple):
    """One `record`: `messages` from `source_ip` that all have the same evidence.

    A named tuple, because a report may hold a million of them. Equal records of one report are not
    duplicates: OpenDMARC writes one for each message.
    """

    source_ip: str | None
    """Canonical text, IPv4-mapped addresses as IPv4; None where absent or no address."""
    messages: int
    """`row/count`: messages it stands for, 0 or more."""
    evidence: Evidence


class Problem(NamedTuple):
    """A part of a report that could not be used, so that no loss is silent."""

    path: str
    """Where, such as `feedback/record[17]/row/count`; records count from 1."""
    found: str
    """What stood there, cleaned and cut."""
    messages: int | None = None
    """Messages that are not counted because of it; 0 if it cost none, None if nobody can say."""


class PolicyPublished(NamedTuple):
    """The policy as the reporter found it; None is "not stated", not the default."""

    domain: str
    """Where the record was found (RFC 9990), not necessarily the From domain."""
    adkim: AlignmentMode | None = None
    aspf: AlignmentMode | None = None
    p: Policy | None = None
    sp: Policy | None = None
    np: Policy | None = None
    pct: int | None = None
    """0..100; RFC 9990 dropped it, Google still sends it."""
    fo: str | None = None
    testing: bool | None = None
    """The `t` tag."""
    discovery_method: str | None = None
    """`psl` or `treewalk`."""


class Report(NamedTuple):
    """One `feedback` without its records."""

    org_name: str | None
    """Raw as sent; empty counts as absent."""
    org_email: str | None
    report_id: str | None
    """Raw as sent: cutting it makes different reports collide."""
    begin: datetime
    """Start of the period, aware UTC."""
    end: datetime
    """End of the period, aware UTC; some reporters mean it inclusive (…:59), some exclusive."""
    policy: PolicyPublished
    dialect: Dialect
    extra_contact_info: str | None = None
    errors: tuple[str, ...] = ()
    generator: str | None = None


_EARLIEST = datetime(2012, 1, 1, tzinfo=UTC)
"""DMARC was published in January 2012; what is older is no date but a counter or a mistake."""
_LONGEST = timedelta(days=35)
"""Gateways report on weeks (24.6 days were seen); what is longer says nothing about any day."""


def is_plausible(begin: datetime, end: datetime) -> bool:
    """Whether a period can be that of a report (dmarc.md 1.4); one with another is kept and not counted."""
    return _EARLIEST <= begin <= end and end - begin <= _LONGEST
