"""Settling files: the same file, still as it was read, is moved or deleted."""

import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from dmarcwatch.collect import Item, Notice, Notify
from dmarcwatch.collect.folders import FoundFile
from dmarcwatch.collect.sources import FileSource, Settle, printable
from dmarcwatch.errors import CollectError


def tidy(items: Sequence[Item], source: FileSource, notify: Notify) -> None:
    """Move or delete the files of `items`, as configured; a notice for each that is left.

    Left are mails of an mbox, and files that changed since they were read. Raises CollectError.
    """
    if source.settle is Settle.NOTHING:
        return
    for item in items:
        path = Path(item.token.rsplit(" ", 2)[0])
        if _unchanged(path, item.token):
            remove(path, source)
        elif path.exists() or item.origin != printable(path):
            text = f"{item.origin} is left as it is: a mail of an mbox, or changed since it was read"
            notify(Notice(item.origin, "unsettled", text, left=False))


def remove(path: Path, source: FileSource) -> None:
    """Delete `path` or move it to `source.done`. Raises CollectError; fine where it is gone."""
    try:
        if source.settle is Settle.MOVE and source.done is not None:
            source.done.mkdir(parents=True, exist_ok=True)
            shutil.move(path, _free(source.done / path.name))
        else:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CollectError(
            f"{printable(path)} is stored but cannot be taken away: {error.strerror or error}",
            hint="Give the user who runs dmarcwatch the right to write there, or set settle to nothing.",
        ) from error


def _unchanged(path: Path, token: str) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return FoundFile(str(path), status.st_size, status.st_mtime_ns).token == token


def _free(target: Path) -> Path:
    """`target`, or the first of its name with a number that does not exist: nothing is overwritten."""
    if not target.exists():
        return target
    numbered = (target.with_name(f"{target.stem}.{number}{target.suffix}") for number in count(1))
    return next(path for path in numbered if not path.exists())
