"""A held report that a person lets through: decided anew, and summed up where it counts now."""

import sqlite3
from datetime import datetime

from sqlite_utils import Database

from dmarcwatch.senders import Senders
from dmarcwatch.store import holding, pool
from dmarcwatch.store.database import transaction
from dmarcwatch.store.writer import Writer


def release(database: Database, senders: Senders, report: int, *, now: datetime) -> frozenset[str]:
    """Let a held report through, for good; the policy domains whose figures changed.

    It counts as far as its tier does: a report that nobody vouches for is shown and decides nothing.
    Raises ConfigError where the report is not held, or its records are gone.
    """
    connection: sqlite3.Connection = database.conn
    with transaction(connection):
        holding.release(connection, report, now=now)
        writer = Writer(connection, senders)
        writer.reconsider(report)
        writer.flush()
        pool.settle_pool(connection)
    return frozenset(writer.touched)
