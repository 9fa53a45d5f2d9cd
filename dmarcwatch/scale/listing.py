"""What there is to read: files below a folder, objects below a prefix, or those that an inventory names."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from dmarcwatch.collect import Notify
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.folders import find, walk
from dmarcwatch.collect.listing import pages
from dmarcwatch.collect.maildir import is_maildir
from dmarcwatch.collect.objects import StoredObject
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, S3Source, printable
from dmarcwatch.collect.sources import Source as AnySource
from dmarcwatch.errors import ConfigError
from dmarcwatch.scale.inventory import inventoried
from dmarcwatch.scale.opening import Source


class Target(NamedTuple):
    """An object that could be read."""

    bucket: str
    """Empty for a file."""
    place: bytes
    version: str
    size: int | None
    storage_class: str | None
    digest: bytes
    """What it is remembered by: 16 bytes for its source and token."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A source and where the list of its objects comes from."""

    source: Source
    inventory: str | None = None
    """URL of an S3 inventory's manifest.json; None: the bucket or folder itself is listed."""

    def targets(self, notify: Notify) -> Iterator[Target]:
        """Its objects: files in the order `fetch` reads them, others by key. Raises CollectError."""
        if isinstance(self.source, FileSource):
            return _files(self.source, notify)
        return _objects(self.source, self.inventory)


def listing_of(source: AnySource) -> Listing:
    """How a configured or named source is listed. Raises ConfigError for one that has no list."""
    match source:
        case FileSource():
            if is_maildir(source.path):
                raise ConfigError([f"{printable(source.path)} is a Maildir: read mailboxes with `fetch`."])
            with closing(open_source(source)) as collector:
                return Listing(replace(source, trusted=collector.local))
        case S3Source(bucket=str()):
            return Listing(replace(source, queue=None))
        case _:
            raise ConfigError(
                [f"{source.name} has no list of objects."],
                hint="Name files, folders, s3://bucket/prefix or --inventory; read mailboxes with `fetch`.",
            )


def digest_of(source: str, token: str) -> bytes:
    """What an object of a source is remembered by."""
    return blake2b(f"{source}\0{token}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _files(source: FileSource, notify: Notify) -> Iterator[Target]:
    root = source.path.absolute()
    found = walk(root, skip=source.done, notify=notify) if root.is_dir() else iter((find(root),))
    for each in found:
        version = f"{each.size} {each.modified_ns}"
        digest = digest_of(source.name, each.token)
        yield Target("", os.fsencode(each.path), version, each.size, None, digest)


def _objects(source: S3Source, inventory: str | None) -> Iterator[Target]:
    with closing(Aws(source)) as aws:
        listed = inventoried(aws, inventory) if inventory else _all_of(aws, source)
        wanted = (each for each in listed if each.may_hold_mail and source.holds(each.bucket, each.key))
        # Sorted, because two lists of the same bucket must give the same order of arrival.
        for each in sorted(wanted, key=attrgetter("key")):
            place, digest = each.key.encode(), digest_of(source.name, each.token)
            yield Target(each.bucket, place, each.version, each.size, each.storage_class, digest)


def _all_of(aws: Aws, source: S3Source) -> Iterable[StoredObject]:
    assert source.bucket is not None
    with ThreadPoolExecutor(source.parallel, thread_name_prefix="s3") as executor:
        yield from chain.from_iterable(pages(aws, source.bucket, source.prefix, executor))
