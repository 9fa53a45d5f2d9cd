"""All objects under a prefix, in pages that are fetched side by side.

SES names objects at random, so there is no bookmark to go on from: the whole prefix is listed each
time, 1,000 keys a request. Because the names are random, the key space can be cut by their first
character and the parts listed at once. A bucket with other names is listed all the same, since the
parts together are the whole key space.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.objects import StoredObject
from dmarcwatch.errors import CollectError

_SES_CHARACTERS = "0123456789abcdefghijklmnopqrstuv"
"""What SES makes message ids of, in the order of keys."""
_TOLD = {"Key", "ETag", "Size"}
"""What every listing tells of each object."""
_LAST = "\U0010ffff"
"""Sorts behind every character that a key can hold."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Keys after `start` up to `end`; None is the end of the prefix."""

    start: str = ""
    end: str | None = None
    continuation: str | None = None
    """Where the service said that it goes on; then `start` has been passed."""


@dataclass(frozen=True, slots=True)
class _Page:
    objects: list[StoredObject]
    last_key: str
    """Empty where the page is."""
    continuation: str | None
    """None where nothing follows in its part."""


def pages(aws: Aws, bucket: str, prefix: str, executor: Executor) -> Iterator[list[StoredObject]]:
    """Every object under `prefix` once, in pages of no particular order. Raises CollectError."""

    def ask(part: _Part) -> Future[_Page]:
        return executor.submit(_page, aws, bucket, prefix, part)

    first = aws.result(ask(_Part()))
    yield first.objects
    parts = _parts(prefix, first) if first.continuation else []
    waiting = {ask(part): part for part in parts}
    while waiting:
        done = wait(waiting, aws.waiting_seconds, return_when=FIRST_COMPLETED).done
        if not done:
            raise aws.unanswered()
        for future in done:
            part, page = waiting.pop(future), future.result()
            if page.continuation is not None:
                rest = replace(part, continuation=page.continuation)
                waiting[ask(rest)] = rest
            yield page.objects


def _parts(prefix: str, first: _Page) -> list[_Part]:
    """What follows the first page, in about as many parts as there are pages to come, at most 32."""
    ahead = cuts(prefix, first.last_key)
    ends = [*ahead, None]
    rest = [_Part(start, end) for start, end in pairwise(ends) if start is not None]
    return [_Part(end=ends[0], continuation=first.continuation), *rest]


def cuts(prefix: str, last_key: str) -> list[str]:
    """Where to cut the keys behind `last_key`, ascending, by how far the first 1,000 keys came.

    A cut ends with the last character there is, so that it cannot be the name of a folder: stores
    that keep folders pass over a folder's objects when told to start after its name.
    """
    name = last_key.removeprefix(prefix)
    passed = bisect_left(_SES_CHARACTERS, name[:1]) + bisect_left(_SES_CHARACTERS, name[1:2]) / 32
    characters = _SES_CHARACTERS[int(passed) + 1 :]
    pages_to_come = (32 - passed) / max(passed, 1)
    wanted = min(len(characters), int(pages_to_come))
    spread = [characters[len(characters) * number // wanted] for number in range(wanted)]
    return [f"{prefix}{chr(ord(char) - 1)}{_LAST}" for char in spread]


def _page(aws: Aws, bucket: str, prefix: str, part: _Part) -> _Page:
    ask = partial(aws.s3.list_objects_v2, Bucket=bucket, Prefix=prefix)
    if part.continuation is None:
        ask = partial(ask, StartAfter=part.start)
    else:
        ask = partial(ask, ContinuationToken=part.continuation)
    with aws.explained():
        told = aws.whole(ask, "IsTruncated")
    contents = told.get("Contents", [])
    if not all(entry.keys() >= _TOLD for entry in contents):
        raise _no_listing(aws, "the key, ETag and size of each")
    # Keys come in the order of their UTF-8 bytes, which is Python's order of text as well.
    inside = [entry for entry in contents if part.end is None or entry["Key"] <= part.end]
    objects = [
        StoredObject(bucket, entry["Key"], entry["ETag"].strip('"'), entry["Size"], entry.get("StorageClass"))
        for entry in inside
    ]
    goes_on = told.get("IsTruncated", False) and len(inside) == len(contents)
    last_key = contents[-1]["Key"] if contents else ""
    return _Page(objects, last_key, _continuation(aws, part, told) if goes_on else None)


def _continuation(aws: Aws, part: _Part, told: Mapping[str, Any]) -> str:
    """Where to go on: without it, and always at the same place, objects would never be found."""
    continuation: str | None = told.get("NextContinuationToken")
    if not continuation or continuation == part.continuation:
        raise _no_listing(aws, "where the list goes on, though it does")
    return continuation


def _no_listing(aws: Aws, untold: str) -> CollectError:
    return CollectError(
        f"{aws.source.name}: the service lists objects without telling {untold}",
        hint="Look whether it speaks ListObjectsV2 of S3, and what stands in between.",
    )
