"""TLS reports (RFC 8460) and failure reports (RFC 9991), which arrive in the same mailbox, as values.

parsedmarc reads them; what it returns is checked here, because neither is evidence for the verdict and no
line of ours should depend on what a stranger put into a JSON number. It asks nobody: no DNS, no download.

Not kept of a failure report: the message it is about. Of its headers what says who sent it and why it
failed, and people's names and addresses only where the configuration asks for them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any

from dmarcwatch.errors import ReportError
from dmarcwatch.text import clean

MAX_TLS_BYTES = 8 * 1024 * 1024
"""JSON of one TLS report: 20,000 failure lines. As objects it takes ten times as much memory."""
MAX_FAILURE_BYTES = 1024 * 1024
"""Of one failure report: its own parts come first, what is cut off is the message it is about."""
MAX_TEXT_CHARS = 1024
MAX_LINES = 1000
"""Policies of a report, and lines of a policy; RFC 8460 gives no number, and nobody has as many domains."""

_LOCAL_PART = re.compile(r"[^\s<>;,=\"'()]+(?=@)")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_WHOLE = range(2**63)


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """Why sessions of one policy failed."""

    result_type: str
    failed_sessions: int
    sending_mta_ip: str | None
    receiving_ip: str | None
    receiving_mx: str | None
    reason_code: str | None
    additional_information: str | None


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What one policy of one domain came to."""

    domain: str
    type: str
    """`sts`, `tlsa` or `no-policy-found`."""
    policy: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    successful_sessions: int
    failed_sessions: int
    failures: tuple[TlsFailure, ...]


@dataclass(frozen=True, slots=True)
class TlsReport:
    """One report on how mail servers reached a domain's own by TLS."""

    org_name: str | None
    contact_info: str | None
    report_id: str | None
    begin: datetime
    end: datetime
    policies: tuple[TlsPolicy, ...]


@dataclass(frozen=True, slots=True)
class FailureReport:
    """One report on a single message that failed; absent is None."""

    arrived_at: datetime | None
    reported_domain: str | None
    source_ip: str | None
    auth_failure: tuple[str, ...]
    aligned: tuple[str, ...]
    delivery_result: str | None
    authentication_results: str | None
    dkim_domain: str | None
    dkim_selector: str | None
    header_from: str | None
    """The domain of the message's From."""
    original_mail_from: str | None
    original_rcpt_to: str | None
    subject: str | None
    message_id: str | None
    reporting_mta: str | None
    user_agent: str | None
    incidents: int
    redacted: bool


def read_tls(data: bytes) -> TlsReport:
    """The TLS report in `data`. Raises ReportError where it is none that can be used."""
    if len(data) > MAX_TLS_BYTES:
        raise ReportError("tls-report", f"{len(data)} bytes, and the limit is {MAX_TLS_BYTES}")
    found = _parsedmarc("parse_smtp_tls_report_json", data)
    return TlsReport(
        org_name=_text(found["organization_name"]),
        contact_info=_text(found["contact_info"]),
        report_id=_text(found["report_id"]),
        begin=_moment(found["begin_date"]),
        end=_moment(found["end_date"]),
        policies=tuple(_policy(policy) for policy in _list(found["policies"])),
    )


def read_failure(data: bytes, *, redact: bool = True) -> FailureReport:
    """The failure report in the message `data`; `redact` leaves out what names people.

    Raises ReportError where it is none that can be used.
    """
    begin = data[:MAX_FAILURE_BYTES]
    if b"message/feedback-report" in begin.lower():
        # Unfolded, because parsedmarc takes the first line of a field for all of it. Not so Exim's reports,
        # whose fields are indented prose.
        begin = _FOLD.sub(b" ", begin)
    answer = _parsedmarc("parse_report_email", begin, offline=True, always_use_local_files=True)
    if answer["report_type"] != "failure":
        raise ReportError("failure-report", "it holds another kind of report")
    found = answer["report"]
    sample = found.get("parsed_sample") or {}
    address = _address if redact else _text
    results = _text(found.get("authentication_results"))
    return FailureReport(
        arrived_at=_arrival(found.get("arrival_date")),
        reported_domain=_domain(found.get("reported_domain")),
        source_ip=_ip((found.get("source") or {}).get("ip_address")),
        auth_failure=tuple(_texts(found.get("auth_failure"))),
        aligned=tuple(_texts(found.get("authentication_mechanisms"))),
        delivery_result=_text(found.get("delivery_result")),
        authentication_results=_LOCAL_PART.sub("", results) if results and redact else results,
        dkim_domain=_domain(found.get("dkim_domain")),
        dkim_selector=_text(found.get("dkim_selector")),
        header_from=_domain((sample.get("from") or {}).get("domain")),
        original_mail_from=address(found.get("original_mail_from")),
        original_rcpt_to=address(found.get("original_rcpt_to")),
        subject=None if redact else _text(sample.get("subject")),
        message_id=None if redact else _text(sample.get("message-id") or found.get("message_id")),
        reporting_mta=_text(found.get("reporting_mta")),
        user_agent=_text(found.get("user_agent")),
        incidents=_incidents(found.get("incidents")),
        redacted=redact,
    )


def _parsedmarc(name: str, data: bytes, **options: object) -> dict[str, Any]:
    """What a parser of parsedmarc returns. Raises ReportError with its words where it refuses."""
    # Loaded here, because it costs a second and fifty megabytes, and most mailboxes hold no such report.
    import parsedmarc

    # It warns of each field that a reporter left out: not a thing the user can mend.
    parsedmarc.logger.disabled = True
    try:
        found: dict[str, Any] = getattr(parsedmarc, name)(data, **options)
    except parsedmarc.ParserError as error:
        raise ReportError("not-read", clean(str(error), MAX_TEXT_CHARS) or type(error).__name__) from None
    return found


def _policy(found: Mapping[str, Any]) -> TlsPolicy:
    return TlsPolicy(
        domain=_domain(found["policy_domain"]) or "",
        type=str(found["policy_type"]),
        policy=tuple(_texts(found.get("policy_strings"))),
        mx_hosts=tuple(_texts(found.get("mx_host_patterns"))),
        successful_sessions=_whole(found["successful_session_count"]),
        failed_sessions=_whole(found["failed_session_count"]),
        failures=tuple(_failure(failure) for failure in _list(found.get("failure_details") or [])),
    )


def _failure(found: Mapping[str, Any]) -> TlsFailure:
    return TlsFailure(
        result_type=_text(found["result_type"]) or "",
        failed_sessions=_whole(found["failed_session_count"]),
        sending_mta_ip=_ip(found.get("sending_mta_ip")),
        receiving_ip=_ip(found.get("receiving_ip")),
        receiving_mx=_text(found.get("receiving_mx_hostname")),
        reason_code=_text(found.get("failure_reason_code")),
        additional_information=_text(found.get("additional_info_uri")),
    )


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_LINES:
        raise ReportError("not-read", f"not a list of at most {MAX_LINES}")
    return value


def _whole(value: object) -> int:
    """A count. Raises ReportError for anything else: half a report would be a wrong one."""
    if type(value) is int and value in _WHOLE:
        return value
    raise ReportError("not-read", f"{clean(str(value), 80)!r} is no number of sessions")


def _incidents(value: object) -> int:
    """How many messages a failure report stands for; one unless it says another (RFC 9991 section 4)."""
    text = str(value or "").strip()
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _texts(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else ():
        text = _text(each)
        if text is not None:
            yield text


def _text(value: object) -> str | None:
    return clean(str(value), MAX_TEXT_CHARS) or None if value is not None else None


def _domain(value: object) -> str | None:
    text = _text(value)
    return text.rstrip(".").lower() or None if text else None


def _address(value: object) -> str | None:
    """What is left of an address without the part that names somebody."""
    text = _text(value)
    return f"@{text.rpartition('@')[2].rstrip('>').lower()}" if text and "@" in text else None


def _ip(value: object) -> str | None:
    try:
        return str(ip_address(str(value).strip()))
    except ValueError:
        return None


def _moment(value: object) -> datetime:
    """Raises ReportError for no RFC 3339 moment."""
    try:
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ReportError("not-read", f"{clean(str(value), 80)!r} is no moment") from None


def _arrival(value: object) -> datetime | None:
    """An Arrival-Date as mails write it.

    In another form parsedmarc made it up, from the mail's own date or from the clock.
    """
    try:
        moment = parsedate_to_datetime(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
