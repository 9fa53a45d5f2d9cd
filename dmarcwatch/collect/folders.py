"""Which files of a folder are looked at."""

import os
import stat
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from dmarcwatch.collect import Notice, Notify
from dmarcwatch.collect.sources import printable, storable
from dmarcwatch.errors import CollectError

SQLITE_MAGIC = b"SQLite format 3\0"
_SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")


class FoundFile(NamedTuple):
    """A regular file and what it is remembered by."""

    location: str
    """Its path, in which bytes that are no UTF-8 stand as surrogates."""
    size: int
    modified_ns: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.location)

    @property
    def name(self) -> str:
        """The path as text that can be stored."""
        return storable(self.location)

    @property
    def token(self) -> str:
        """Path, size and time of the last change: another file if any of them differs."""
        return f"{self.name} {self.size} {self.modified_ns}"


def find(path: Path) -> FoundFile:
    """The one file that the user named. Raises CollectError where it is missing or no file."""
    try:
        found = _regular(str(path), path.stat())
        database = found is not None and is_database(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    if found is None:
        raise CollectError(f"{printable(path)} is neither a file nor a folder")
    if database:
        raise CollectError(
            f"{printable(path)} is an SQLite database, not a report",
            hint="Name the folder or the mailbox with the reports; the database goes to --db.",
        )
    return found


def walk(root: Path, *, skip: Path | None, notify: Notify) -> Iterator[FoundFile]:
    """The files of `root` and its folders, sorted within each folder, SQLite databases left out.

    Each is opened to see that it is none. Otherwise as `listed`.
    """
    for found in listed(root, skip=skip, notify=notify):
        try:
            wanted = not is_database(found.path)
        except OSError as error:
            notify(unreadable(found.path, error))
            continue
        if wanted:
            yield found


def listed(root: Path, *, skip: Path | None, notify: Notify) -> Iterator[FoundFile]:
    """The files of `root` and its folders, sorted within each folder; none is opened.

    Left out: what begins with a dot, symbolic links to folders (they can form circles), journals of
    SQLite databases, and the folder `skip`. Raises CollectError where `root` itself cannot be read; what
    cannot be read below it is a notice.
    """
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=attrgetter("name"))
        except OSError as error:
            if folder == str(root):
                raise cannot_read(root, error) from error
            notify(unreadable(Path(folder), error))
            continue
        below: list[str] = []
        yield from _files(entries, below, notify)
        waiting += [path for path in reversed(below) if skip is None or path != str(skip)]


def _files(entries: Iterable[os.DirEntry[str]], below: list[str], notify: Notify) -> Iterator[FoundFile]:
    """The files among `entries`; what folders there are is added to `below`."""
    for entry in entries:
        if entry.name[0] == ".":
            continue
        try:
            if entry.is_dir():
                below += [] if entry.is_symlink() else [entry.path]
                continue
            found = _regular(entry.path, entry.stat())
            journal = entry.name.endswith(_SQLITE_COMPANIONS) and is_database(Path(entry.path))
        except OSError as error:
            notify(unreadable(Path(entry.path), error))
            continue
        if found is not None and not journal:
            yield found


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database or lies beside one as its journal."""
    for companion in _SQLITE_COMPANIONS:
        if path.name.endswith(companion):
            owner = path.with_name(path.name.removesuffix(companion))
            return owner.is_file() and is_database(owner)
    with path.open("rb") as stream:
        return stream.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def cannot_read(path: Path, error: OSError) -> CollectError:
    """What to say where the path that the user named cannot be read."""
    return CollectError(
        f"{printable(path)} cannot be read: {error.strerror}",
        hint="Check the path, and that the user who runs dmarcwatch may read it.",
    )


def unreadable(path: Path, error: OSError) -> Notice:
    """What to say where something below it cannot be read."""
    gone = isinstance(error, FileNotFoundError)
    name = printable(path)
    if gone:
        return Notice(name, "vanished", f"{name} went away before it was read", left=False)
    return Notice(name, "unreadable", f"{name} cannot be read: {error.strerror}", left=True)


def _regular(location: str, status: os.stat_result) -> FoundFile | None:
    """None where it is no regular file: opening a pipe would wait, a device would never end."""
    if not stat.S_ISREG(status.st_mode):
        return None
    return FoundFile(location, status.st_size, status.st_mtime_ns)
