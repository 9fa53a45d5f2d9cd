"""Stored reports and evidence, back as the values the reader made of them."""

import json
import sqlite3
from datetime import datetime

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
    Reason,
    ReasonType,
    Report,
    Spf,
    SpfScope,
)

_COLUMNS = (
    "org_name, org_email, report_id, begin, end, policy_domain, adkim, aspf, p, sp, np, pct, fo, testing, "
    "discovery_method, dialect, extra_contact_info, errors, generator"
)


def stored_report(connection: sqlite3.Connection, identity: int) -> Report:
    """The head of the report with this id, which must be there."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM reports WHERE id = ?", (identity,)).fetchone()
    return Report(
        org_name=row[0],
        org_email=row[1],
        report_id=row[2],
        begin=datetime.fromisoformat(row[3]),
        end=datetime.fromisoformat(row[4]),
        policy=PolicyPublished(
            domain=row[5],
            adkim=AlignmentMode(row[6]) if row[6] else None,
            aspf=AlignmentMode(row[7]) if row[7] else None,
            p=Policy(row[8]) if row[8] else None,
            sp=Policy(row[9]) if row[9] else None,
            np=Policy(row[10]) if row[10] else None,
            pct=row[11],
            fo=row[12],
            testing=bool(row[13]) if row[13] is not None else None,
            discovery_method=row[14],
        ),
        dialect=Dialect(row[15]),
        extra_contact_info=row[16],
        errors=tuple(json.loads(row[17])) if row[17] else (),
        generator=row[18],
    )


def stored_evidence(connection: sqlite3.Connection, identity: int) -> Evidence:
    """The evidence with this id, which must be there."""
    row = connection.execute(
        "SELECT disposition, dkim_evaluated, spf_evaluated, reasons, header_from, envelope_from, "
        "envelope_to, dkim, spf FROM _evidence WHERE id = ?",
        (identity,),
    ).fetchone()
    return Evidence(
        disposition=Disposition(row[0]) if row[0] else None,
        dkim_evaluated=DmarcResult(row[1]) if row[1] else None,
        spf_evaluated=DmarcResult(row[2]) if row[2] else None,
        reasons=tuple(
            Reason(ReasonType(each["type"]) if each["type"] else None, each["comment"])
            for each in json.loads(row[3])
        ),
        header_from=row[4],
        envelope_from=row[5],
        envelope_to=row[6],
        dkim=tuple(
            Dkim(each["domain"], each["selector"], AuthResult(each["result"]) if each["result"] else None)
            for each in json.loads(row[7])
        ),
        spf=tuple(
            Spf(
                each["domain"],
                SpfScope(each["scope"]) if each["scope"] else None,
                AuthResult(each["result"]) if each["result"] else None,
            )
            for each in json.loads(row[8])
        ),
    )
