"""One writer at a time: the lock is the kernel's, so it ends with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmarcwatch.errors import StoreError


@contextmanager
def only_writer(database: Path) -> Iterator[bool]:
    """Whether this process may write to `database` now; False while another run does.

    Raises StoreError when the lock file beside the database cannot be made.
    """
    path = database.with_name(database.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made: {error.strerror}.", hint="See whether you may write to its folder."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
