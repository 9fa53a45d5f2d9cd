"""Helpers every collector shares: batches, and the head of a mail too large to read."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from dmarcwatch.collect import Memory

T = TypeVar("T")

MAX_HEAD_BYTES = 256 * 1024
"""What is kept of a mail too large to read; mail systems bound a whole header at 64 to 256 KiB."""

ASKED_AT_ONCE = 500
"""Tokens in one question to the database, and UIDs in one command: some 5,500 bytes of the 8,000
a server must take in one line (RFC 2683 section 3.2.1.5)."""


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` values, in their order."""
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


def unseen(
    values: Iterable[T], token: Callable[[T], str], memory: Memory, *, at_once: int = ASKED_AT_ONCE
) -> Iterator[T]:
    """The values whose token is not stored yet, in their order; `at_once` of them are in memory."""
    for batch in batched(values, at_once):
        tokens = [token(value) for value in batch]
        seen = memory.seen(tokens)
        yield from (value for value, name in zip(batch, tokens, strict=True) if name not in seen)


def head(data: bytes) -> bytes:
    """The header of a mail, at most MAX_HEAD_BYTES; what is no mail is cut there as well."""
    data = data[:MAX_HEAD_BYTES]
    ends = [end for end in (data.find(b"\n\n"), data.find(b"\n\r\n")) if end >= 0]
    return data[: min(ends) + 1] if ends else data
