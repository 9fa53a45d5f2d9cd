"""Which files of a folder are looked at."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dmarcwatch.collect import Notice, Notify
from dmarcwatch.collect.sources import printable
from dmarcwatch.errors import CollectError

_SQLITE_MAGIC = b"SQLite format 3\0"
_SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file and what it is remembered by."""

    path: Path
    size: int
    modified_ns: int

    @property
    def name(self) -> str:
        """The path as text that can be stored."""
        return printable(self.path)

    @property
    def token(self) -> str:
        """Path, size and time of the last change: another file if any of them differs."""
        return f"{self.name} {self.size} {self.modified_ns}"


def find(path: Path) -> FoundFile:
    """The one file that the user named. Raises CollectError where it is missing or no file."""
    try:
        found = _look(path)
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
    """The files of `root` and its folders, sorted within each folder.

    Left out: what begins with a dot, symbolic links to folders (they can form circles), SQLite
    databases with their companions, and the folder `skip`. Raises CollectError where `root` itself
    cannot be read; what cannot be read below it is a notice.
    """

    def complain(error: OSError) -> None:
        if error.filename == str(root):
            raise cannot_read(root, error) from error
        notify(unreadable(Path(error.filename), error))

    for folder, folders, files in os.walk(root, onerror=complain):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name[0] != "." and here / name != skip)
        for name in sorted(files):
            if name[0] == ".":
                continue
            try:
                found = _look(here / name)
                wanted = found is not None and not is_database(here / name)
            except OSError as error:
                notify(unreadable(here / name, error))
                continue
            if found is not None and wanted:
                yield found


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database or lies beside one as its journal."""
    for companion in _SQLITE_COMPANIONS:
        if path.name.endswith(companion):
            owner = path.with_name(path.name.removesuffix(companion))
            return owner.is_file() and is_database(owner)
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC


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


def _look(path: Path) -> FoundFile | None:
    """None where it is no regular file: opening a pipe would wait, a device would never end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return None
    return FoundFile(path, status.st_size, status.st_mtime_ns)
