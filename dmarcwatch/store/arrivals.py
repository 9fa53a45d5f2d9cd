"""How a stored item came, as the value it was stored from."""

import sqlite3
from datetime import datetime

from dmarcwatch.arrival import Arrival


def arrival_of(connection: sqlite3.Connection, item: int) -> Arrival:
    """The arrival of the item with this id, which must be there."""
    row = connection.execute(
        "SELECT origin, token, sha256, size, received_at, local, from_domain, authserv_id, verified "
        "FROM items WHERE id = ?",
        (item,),
    ).fetchone()
    return Arrival(
        origin=row[0],
        token=row[1],
        sha256=row[2],
        size=row[3],
        received_at=datetime.fromisoformat(row[4]) if row[4] else None,
        local=bool(row[5]),
        from_domain=row[6],
        authserv_id=row[7],
        verified=row[8],
    )
