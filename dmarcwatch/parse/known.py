"""What the documents read so far taught of those to come."""

from functools import lru_cache
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.known_heads import KnownHeads
from dmarcwatch.parse.known_records import KnownRecords


class Known(NamedTuple):
    """What need not be parsed."""

    heads: KnownHeads
    records: KnownRecords


@lru_cache(maxsize=4)
def known(budgets: Budgets) -> Known:
    """What is known of all documents that are read within the same bounds."""
    return Known(KnownHeads(budgets), KnownRecords(budgets))
