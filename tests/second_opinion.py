"""What dmarcwatch and parsedmarc read of one document, in the same shape."""

import logging
import warnings
from datetime import datetime
from functools import cache

from dmarcwatch.errors import ReportError
from dmarcwatch.parse.words import read_address
from tests.reading import read_whole


def ours(data):
    """Head and records, or the reason of the refusal."""
    try:
        whole = read_whole(data)
    except ReportError as error:
        return error.reason
    report = whole.reading.report
    policy = {tag: getattr(report.policy, tag) for tag in ("p", "sp", "adkim", "aspf", "pct", "fo", "np")}
    head = {
        "org_name": report.org_name,
        "org_email": report.org_email,
        "report_id": report.report_id,
        "begin": report.begin.timestamp(),
        "end": report.end.timestamp(),
        "domain": report.policy.domain,
        "policy": {tag: None if value is None else str(value) for tag, value in policy.items()},
        "errors": list(report.errors),
    }
    return head, [_our_record(record, whole.reading.grade) for record in whole.records]


def _our_record(record, grade):
    said = record.evidence
    return {
        "grade": grade,
        "source_ip": record.source_ip,
        "messages": record.messages,
        "disposition": said.disposition,
        "evaluated": (said.dkim_evaluated, said.spf_evaluated),
        "header_from": said.header_from,
        "envelope_from": said.envelope_from,
        "envelope_to": said.envelope_to,
        "dkim": [tuple(each) for each in said.dkim],
        "spf": [(each.domain, None, each.result) for each in said.spf],
        "reasons": [tuple(each) for each in said.reasons],
    }


@cache
def _parsedmarc():
    # Loading it takes half a second, and it logs what it drops.
    logging.getLogger("parsedmarc.log").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import parsedmarc
    return parsedmarc


def theirs(data):
    """Head and records, or the message of the refusal."""
    library = _parsedmarc()
    try:
        # Longer periods are split into days that nobody reported.
        report = library.parse_aggregate_report_xml(
            data, offline=True, normalize_timespan_threshold_hours=1e6
        )
    except library.ParserError as error:
        return str(error)
    metadata, policy = report["report_metadata"], report["policy_published"]
    head = {
        "org_name": metadata["org_name"],
        "org_email": metadata["org_email"],
        "report_id": metadata["report_id"],
        # Written as naive local time.
        "begin": datetime.fromisoformat(metadata["begin_date"]).timestamp(),
        "end": datetime.fromisoformat(metadata["end_date"]).timestamp(),
        "domain": policy["domain"],
        "policy": {tag: policy[tag] for tag in ("p", "sp", "adkim", "aspf", "pct", "fo", "np")},
        "errors": metadata["errors"],
    }
    return head, [_their_record(record) for record in report["records"]]


def _their_record(record):
    evaluated, results = record["policy_evaluated"], record["auth_results"]
    return {
        "source_ip": read_address(record["source"]["ip_address"]),
        "messages": record["count"],
        "disposition": evaluated["disposition"],
        "evaluated": (evaluated["dkim"], evaluated["spf"]),
        **{name: record["identifiers"][name] for name in ("header_from", "envelope_from", "envelope_to")},
        "dkim": [(each["domain"], each["selector"], each["result"]) for each in results["dkim"]],
        "spf": [(each["domain"], None, each["result"]) for each in results["spf"]],
        "reasons": [(each["type"], each["comment"]) for each in evaluated["policy_override_reasons"]],
    }
