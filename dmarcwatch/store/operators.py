"""Who operates the addresses that reports name: what was looked up, and what follows for a domain's pool."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dmarcwatch.sightings import Operator

OperatorOf = Callable[[str], Operator]
"""The operator of an address, from a database that lies here."""

WINDOW_DAYS = 30
LATE_DAYS = 2
"""The last day judged is two days ago: reports of yesterday are still under way (JUDGEMENT 6)."""
WANDERING_DAYS = 10
"""As many days as make a network persistent (JUDGEMENT 3.5)."""

_UNKNOWN = """
SELECT a.ip FROM _addresses a LEFT JOIN _operators o ON o.ip = a.ip
WHERE o.looked_up_at IS NULL OR o.looked_up_at < ?"""
_KEEP = """
INSERT INTO _operators (ip, country, asn, operator, looked_up_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (ip) DO UPDATE SET country = excluded.country, asn = excluded.asn,
    operator = excluded.operator, looked_up_at = excluded.looked_up_at"""
_WITHOUT_HOST = """
SELECT a.ip FROM _places p JOIN streams s ON s.key = p.stream
JOIN _place_addresses x ON x.place = p.id JOIN _addresses a ON a.id = x.address
LEFT JOIN _operators o ON o.ip = a.ip
WHERE p.policy_domain = ? AND p.sender = 'unknown'
    AND (o.ptr_looked_up_at IS NULL OR o.ptr_looked_up_at < ?)
GROUP BY a.ip ORDER BY min(s.place_kind = 'scattered'), sum(x.messages) DESC, a.ip LIMIT ?"""
_KEEP_HOST = """
INSERT INTO _operators (ip, ptr, ptr_looked_up_at) VALUES (?, ?, ?)
ON CONFLICT (ip) DO UPDATE SET ptr = excluded.ptr, ptr_looked_up_at = excluded.ptr_looked_up_at"""
_POOL = """
SELECT p.kind, p.name, d.day,
    sum(d.messages - d.dmarc_pass - d.indeterminate - d.unknown) AS failing
FROM _places p JOIN _pool_days d ON d.place = p.id
WHERE p.policy_domain = ? AND p.pooled AND d.day > ? AND d.day <= ? AND d.received_day <= ?
    AND d.tier IN ('local', 'verified') AND NOT d.forwarded
GROUP BY p.id, d.day HAVING failing > 0"""


class Wandering(NamedTuple):
    """One operator whose addresses send most of a domain's scattered mail, day after day."""

    operator: Operator
    messages: int
    """Its scattered messages that fail."""
    of: int
    """Those of all operators together."""
    days: int
    networks: int


def keep_operators(
    connection: sqlite3.Connection, operator_of: OperatorOf, *, built_at: datetime, now: datetime
) -> int:
    """Look up every address that was not since the database of operators was built; how many were.

    Within an open transaction.
    """
    stale = [ip for (ip,) in connection.execute(_UNKNOWN, (_moment(built_at),))]
    rows, at = ((ip, operator_of(ip)) for ip in stale), _moment(now)
    connection.executemany(_KEEP, ((ip, o.country, o.asn, o.name, at) for ip, o in rows))
    return len(stale)


def addresses_without_host(
    connection: sqlite3.Connection, domain: str, *, older_than: datetime, limit: int
) -> list[str]:
    """Addresses of unknown senders whose host name was not asked since `older_than`.

    Those of lasting networks first, then by messages.
    """
    return [ip for (ip,) in connection.execute(_WITHOUT_HOST, (domain, _moment(older_than), limit))]


def keep_hosts(
    connection: sqlite3.Connection, hosts: Iterable[tuple[str, str | None]], *, now: datetime
) -> None:
    """Keep confirmed host names by address, None for an address that has none; in an open transaction."""
    connection.executemany(_KEEP_HOST, ((ip, host, _moment(now)) for ip, host in hosts))


def hosts(connection: sqlite3.Connection, addresses: Sequence[str]) -> dict[str, str]:
    """The confirmed host names known of `addresses`."""
    found = {}
    for ip in addresses:
        row = connection.execute("SELECT ptr FROM _operators WHERE ip = ?", (ip,)).fetchone()
        if row and row[0]:
            found[ip] = row[0]
    return found


def knows_hosts(connection: sqlite3.Connection) -> bool:
    """Whether any host name was ever confirmed: without, nobody needs to be asked for each address."""
    row = connection.execute("SELECT 1 FROM _operators WHERE ptr IS NOT NULL LIMIT 1").fetchone()
    return row is not None


def host_of(connection: sqlite3.Connection) -> Callable[[str], str | None]:
    """What `Classifier(ptr=...)` asks: the confirmed host name of an address, from the database alone."""

    def find(ip: str) -> str | None:
        return hosts(connection, (ip,)).get(ip)

    return find


def wandering_operator(
    connection: sqlite3.Connection, domain: str, *, as_of: date, operator_of: OperatorOf
) -> Wandering | None:
    """The operator that most of the failing mail in `scattered` comes from on 10 or more of 30 days.

    An own sender with wandering addresses looks so (JUDGEMENT 3.7). Networks are asked for as a whole: none
    smaller than a /24 or /48 is announced. Mail that authenticates as some domain counts only in the sum.
    """
    last = as_of - timedelta(days=LATE_DAYS)
    first = last - timedelta(days=WINDOW_DAYS)
    span = (first.isoformat(), last.isoformat(), as_of.isoformat())
    total = 0
    messages: Counter[int] = Counter()
    days: dict[int, set[str]] = defaultdict(set)
    networks: dict[int, set[str]] = defaultdict(set)
    known: dict[str, Operator] = {}
    for kind, name, day, failing in connection.execute(_POOL, (domain, *span)):
        total += failing
        if kind != "network":
            continue
        if name not in known:
            known[name] = operator_of(name.partition("/")[0])
        asn = known[name].asn
        if asn is not None:
            messages[asn] += failing
            days[asn].add(day)
            networks[asn].add(name)
    for asn, count in messages.most_common(1):
        if count * 2 > total and len(days[asn]) >= WANDERING_DAYS:
            operator = known[min(networks[asn])]
            return Wandering(operator, count, total, len(days[asn]), len(networks[asn]))
    return None


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
