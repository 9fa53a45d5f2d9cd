"""TLS and failure reports, kept beside the aggregate ones; the verdict reads none of them."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from dmarcwatch.aside import FailureReport, TlsReport, read_failure, read_tls
from dmarcwatch.errors import ReportError
from dmarcwatch.store.identity import iso
from dmarcwatch.unpack import SetAside, SetAsideKind

_KEPT = "WHERE item IN (SELECT item FROM _raw)"
_READ_ANEW = (
    f"DELETE FROM tls_policies WHERE report IN (SELECT id FROM tls_reports {_KEPT})",
    f"DELETE FROM tls_failures WHERE report IN (SELECT id FROM tls_reports {_KEPT})",
    f"DELETE FROM tls_reports {_KEPT}",
    f"DELETE FROM failure_reports {_KEPT}",
)


def keep_aside(
    connection: sqlite3.Connection, item: int, part: SetAside, *, received_at: datetime | None, redact: bool
) -> str | None:
    """Store what a part says, once however often it is delivered; why it could not be read, if it could not.

    In an open transaction.
    """
    try:
        if part.kind is SetAsideKind.TLS_REPORT:
            _add_tls(connection, (item, sha256(part.data).hexdigest()), read_tls(part.data))
        else:
            found = read_failure(part.data, redact=redact)
            _add_failure(connection, (item, sha256(part.data).hexdigest()), found, received_at)
    except ReportError as error:
        return error.message
    except (sqlite3.Error, MemoryError, OSError, ImportError):
        raise
    except Exception as error:  # a fault of ours or of parsedmarc's must cost one part, not the run
        return f"dmarcwatch failed on it: {type(error).__name__}: {error}"
    return None


def forget_aside(connection: sqlite3.Connection) -> None:
    """Forget what will be read anew because its bytes are kept; in an open transaction."""
    for statement in _READ_ANEW:
        connection.execute(statement)


def _add_tls(connection: sqlite3.Connection, source: tuple[int, str], report: TlsReport) -> None:
    identity = (report.org_name, report.report_id, iso(report.begin), iso(report.end))
    known = connection.execute(
        "SELECT 1 FROM tls_reports WHERE sha256 = ? "
        "OR (org_name IS ? AND report_id IS ? AND begin = ? AND end = ?)",
        (source[1], *identity),
    ).fetchone()
    if known:
        return
    row = connection.execute(
        "INSERT INTO tls_reports (item, sha256, org_name, report_id, begin, end, contact_info) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*source, *identity, report.contact_info),
    ).lastrowid
    for number, policy in enumerate(report.policies, start=1):
        connection.execute(
            "INSERT INTO tls_policies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (row, number, policy.domain, policy.type, _list(policy.policy), _list(policy.mx_hosts),
             policy.successful_sessions, policy.failed_sessions),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO tls_failures (report, policy, result_type, failed_sessions, sending_mta_ip, "
            "receiving_ip, receiving_mx, reason_code, additional_information) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (row, number, each.result_type, each.failed_sessions, each.sending_mta_ip, each.receiving_ip,
                 each.receiving_mx, each.reason_code, each.additional_information)
                for each in policy.failures
            ],
        )  # fmt: skip


def _add_failure(
    connection: sqlite3.Connection,
    source: tuple[int, str],
    report: FailureReport,
    received_at: datetime | None,
) -> None:
    arrived = report.arrived_at or received_at
    connection.execute(
        "INSERT INTO failure_reports (item, sha256, arrived_at, reported_domain, source_ip, auth_failure, "
        "aligned, delivery_result, authentication_results, dkim_domain, dkim_selector, header_from, "
        "original_mail_from, original_rcpt_to, subject, message_id, reporting_mta, user_agent, incidents, "
        "redacted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (sha256) DO NOTHING",
        (*source, iso(arrived) if arrived else None, report.reported_domain, report.source_ip,
         _list(report.auth_failure), _list(report.aligned), report.delivery_result,
         report.authentication_results, report.dkim_domain, report.dkim_selector, report.header_from,
         report.original_mail_from, report.original_rcpt_to, report.subject, report.message_id,
         report.reporting_mta, report.user_agent, report.incidents, report.redacted),
    )  # fmt: skip


def _list(values: Sequence[str]) -> str:
    return json.dumps(values, ensure_ascii=False)
