"""The custom MAIL FROM that trusted reports showed in a stream of Amazon SES."""

import json
import sqlite3
from collections import Counter
from datetime import date
from typing import Any

from dmarcwatch.domains import same_organisation
from dmarcwatch.ses import SesState
from dmarcwatch.ses.remedy import SeenMailFrom

_STATES = (
    SesState.BOTH_ALIGNED,
    SesState.STRICT_ASPF,
    SesState.MAIL_FROM_SPF_BROKEN,
    SesState.SPF_ONLY,
    SesState.SPF_ONLY_DKIM_BROKEN,
)
"""Mail in these was sent with one."""
_LAST = 50
"""Records read of each judgement, the last that came: the name changes with the set-up alone."""

_JUDGEMENTS = f"""
SELECT j.id, s.header_from, s.place, s.policy_domain FROM streams s
JOIN _places p ON p.stream = s.key JOIN _judgements j ON j.place = p.id
WHERE s.id = ? AND j.state IN ({", ".join("?" * len(_STATES))}) AND NOT j.forwarded"""
_RECORDS = """
SELECT r.day, c.messages, e.spf FROM _records c JOIN reports r ON r.id = c.report
JOIN _evidence e ON e.id = c.evidence
WHERE c.judgement = ? AND r.status = 'counted' AND r.tier IN ('local', 'verified') AND r.received_day <= ?
ORDER BY c.report DESC LIMIT ?"""


def seen_mail_from(connection: sqlite3.Connection, stream: str, *, as_of: date) -> SeenMailFrom | None:
    """The own return path that most mail of its last day had; None where there was none."""
    days: dict[str, Counter[str]] = {}
    region = ""
    for judgement, header_from, place, domain in connection.execute(_JUDGEMENTS, (stream, *_STATES)):
        region = place
        rows = connection.execute(_RECORDS, (judgement, as_of.isoformat(), _LAST))
        for day, messages, spf in rows:
            for path in _paths(json.loads(spf)):
                if same_organisation(path, header_from, domain):
                    days.setdefault(day, Counter())[path] += messages
    if not days:
        return None
    last = days[max(days)]
    return SeenMailFrom(max(sorted(last), key=last.__getitem__), region)


def _paths(results: list[dict[str, Any]]) -> set[str]:
    """HELO results speak of a host and not of a path."""
    return {each["domain"] for each in results if each["domain"] and each["scope"] != "helo"}
