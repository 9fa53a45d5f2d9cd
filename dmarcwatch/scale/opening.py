"""One object of a list becomes items, by the collectors' own readers, on whichever machine it is."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Memory, Notice, Notify
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.files import FileCollector
from dmarcwatch.collect.folders import unreadable
from dmarcwatch.collect.objects import StoredObject, read_object
from dmarcwatch.collect.sources import FileSource, S3Source, storable
from dmarcwatch.errors import CollectError

_AHEAD_BYTES = 64 * 1024 * 1024
"""Objects of a bucket that are in memory at once, unless a single one is larger."""

Source = FileSource | S3Source


class Listed(NamedTuple):
    """An object as the list has it."""

    number: int
    """Its place in the batch."""
    source: int
    """Its source's place among those of the increment."""
    bucket: str
    """Empty for a file."""
    place: bytes
    """Path or key; bytes, because a path need not be text."""
    version: str
    """What changes with its content: the ETag; of a file, size and time."""
    size: int | None
    storage_class: str | None
    digest: bytes
    """What it is remembered by."""


class Opened(NamedTuple):
    """What one object came to: an item of it, or why there is none."""

    number: int
    outcome: Item | Notice


def opened(objects: Sequence[Listed], source: Source, budgets: Budgets, memory: Memory) -> Iterator[Opened]:
    """What each object came to, in their order; an mbox gives the mails that are new. Raises CollectError.

    An object that is gone or refused gives a notice; an error is about the whole source.
    """
    if isinstance(source, S3Source):
        yield from _of_bucket(objects, source, budgets)
        return
    for found in objects:
        yield from _of_file(found, source, budgets, memory)


def _of_file(found: Listed, source: FileSource, budgets: Budgets, memory: Memory) -> Iterator[Opened]:
    path = Path(os.fsdecode(found.place))
    notices: list[Notice] = []
    silent = True
    notify: Notify = notices.append
    collector = FileCollector(FileSource(path, trusted=source.trusted), budgets=budgets, notify=notify)
    try:
        for item in collector.items(memory):
            silent = False
            yield Opened(found.number, item)
    except CollectError as error:
        # To the collector this file is all there is; to the list it is one of many.
        if not isinstance(error.__cause__, OSError):
            raise
        notices.append(unreadable(path, error.__cause__))
    if silent and not notices:
        name = storable(str(path))
        notices.append(Notice(name, "empty", f"{name} has no mail that was not read before", left=False))
    for notice in notices:
        yield Opened(found.number, notice)


def _of_bucket(objects: Sequence[Listed], source: S3Source, budgets: Budgets) -> Iterator[Opened]:
    aws = _aws(source)
    denied = 0
    with ThreadPoolExecutor(source.parallel, thread_name_prefix="s3") as executor:
        for group in _groups(objects, 2 * source.parallel):
            stored = [
                StoredObject(each.bucket, each.place.decode(), each.version, each.size, each.storage_class)
                for each in group
            ]
            outcomes = executor.map(lambda each: read_object(aws, each, budgets), stored)
            for found, outcome in zip(group, outcomes, strict=True):
                denied += isinstance(outcome, Notice) and outcome.reason == "denied"
                yield Opened(found.number, outcome)
    if denied == len(objects):
        raise CollectError(
            f"{source.name}: its objects may not be read (AccessDenied)",
            hint="Attach the policy that `dmarcwatch fetch --iam` prints to the role of the workers.",
        )


def _groups(objects: Iterable[Listed], most: int) -> Iterator[list[Listed]]:
    """The objects in groups that may be in memory together."""
    group: list[Listed] = []
    held = 0
    for found in objects:
        cost = _AHEAD_BYTES if found.size is None else found.size
        if group and (len(group) == most or held + cost > _AHEAD_BYTES):
            yield group
            group, held = [], 0
        group.append(found)
        held += cost
    if group:
        yield group


@lru_cache(maxsize=4)
def _aws(source: S3Source) -> Aws:
    """One set of connections for each source and process."""
    return Aws(source)
