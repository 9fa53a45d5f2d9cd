"""Which mail hosts stated the authentication results of each source's mails, and which is believed."""

import sqlite3
from typing import Any

from dmarcwatch.trust import same_host

_HOSTS = """
SELECT s.name AS source, i.authserv_id, count(*) AS items, count(i.verified) AS passed,
    max(i.received_at) AS last_seen
FROM items i JOIN _sources s ON s.id = i.source WHERE i.authserv_id IS NOT NULL
GROUP BY s.name, i.authserv_id ORDER BY s.name, last_seen"""


def mail_hosts(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The names that were stamped on each source's mails, the last seen last.

    `changed` is true of a name that came after another one was known, and is no machine of the same host:
    its results count for nothing until the configuration names it (`authserv_ids`).
    """
    names = ("source", "authserv_id", "items", "passed", "last_seen")
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(_HOSTS)]
    for row in rows:
        known = [one["authserv_id"] for one in rows if one["source"] == row["source"] and one["passed"]]
        related = any(same_host(row["authserv_id"], name) for name in known)
        row["changed"] = bool(known) and not related
    return rows
