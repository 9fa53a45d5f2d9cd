"""Where an answer goes that may be long: standard output, or a file that is whole or not there."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dmarcwatch.errors import ConfigError


@contextmanager
def answer(path: Path | None, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Standard output, or with a path a file that takes its place when all is written.

    Whoever reads the file meanwhile sees the old one whole. Raises ConfigError when it cannot be written.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ConfigError([f"{path} cannot be written: {error.strerror}."]) from None
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        raise ConfigError([f"{path} cannot be written: {error.strerror}."]) from error
    finally:
        Path(name).unlink(missing_ok=True)
