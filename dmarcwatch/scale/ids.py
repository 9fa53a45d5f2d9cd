"""Numbers of reports and items: by where they were found, so that order is order of arrival everywhere.

A batch that is read in pieces, or twice, gives the same numbers. From the high bits down: the increment,
the batch in it, the object in the batch, and what came out of that object.
"""

from zlib import crc32

BATCH_BITS, OBJECT_BITS, ORDINAL_BITS = 18, 10, 23
MAX_BATCH_OBJECTS = 1 << OBJECT_BITS
MAX_BATCHES = 1 << BATCH_BITS
MAX_ORDINAL = (1 << ORDINAL_BITS) - 1
MAX_INCREMENTS = (1 << (63 - BATCH_BITS - OBJECT_BITS - ORDINAL_BITS)) - 1
"""4,095: eleven years of days."""


def first_id(increment: int, batch: int, number: int) -> int:
    """The id of the first thing that comes out of an object; those after it follow."""
    return ((increment << BATCH_BITS | batch) << OBJECT_BITS | number) << ORDINAL_BITS


def increment_of(identity: int) -> int:
    """The increment in which a report came."""
    return identity >> (BATCH_BITS + OBJECT_BITS + ORDINAL_BITS)


def shard_of(policy_domain: str, shards: int) -> int:
    """The shard of a domain's reports.

    By domain, because all that can make two reports the same one has the domain in it, and so have all sums:
    one shuffle serves both. No domain is too large for a shard: it has as many reports a day as reporters.
    """
    return crc32(policy_domain.encode("utf-8", "surrogatepass")) % shards
