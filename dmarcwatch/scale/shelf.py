"""A folder of files that are there whole or not at all: on this machine, on a shared disk or in a bucket."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from dmarcwatch.errors import CollectError

Made = TypeVar("Made")

RESTORE = "Restore it from a copy of the data set; nothing was read from it."
_UNFINISHED = "."
"""Begins the name of a file that is still being written; readers of Parquet folders pass such over."""


class ShelfError(CollectError):
    """A file of the data set could not be read or written."""


class Written(CollectError):
    """A file of the data set is not what was written: cut short, damaged or gone."""


@dataclass(frozen=True)
class Shelf:
    """Files below `uri`: a path, or what Arrow's file systems understand, such as `s3://bucket/prefix`."""

    uri: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        if "://" not in self.uri:
            return fs.LocalFileSystem(), str(Path(self.uri).absolute())
        return _remote(self.uri)

    def write(self, name: str, data: bytes) -> None:
        """Write a file; nobody sees it before its last byte, and one of that name is replaced.

        Raises ShelfError, as for a full disk; no half of the file stays behind.
        """
        system, base = self._place
        target = f"{base}/{name}"
        try:
            if isinstance(system, fs.LocalFileSystem):
                _write_and_rename(Path(target), data)
            else:
                # An object store shows an object when its upload is complete, and has no other name for it.
                with system.open_output_stream(target) as sink:
                    sink.write(data)
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri}/{name} cannot be written", error) from error

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises ShelfError."""
        system, base = self._place
        try:
            with system.open_input_file(f"{base}/{name}") as stream:
                data: bytes = stream.read()
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri}/{name} cannot be read", error) from error
        return data

    def read_written(self, name: str, size: int | None) -> bytes:
        """The bytes of a file that is known to have been written, with so many bytes where that was noted.

        Raises Written where it is gone or has another size, and ShelfError.
        """
        if self.missing([name]):
            raise Written(f"{self.uri}/{name} is gone.", hint=RESTORE)
        data = self.read(name)
        if size is not None and len(data) != size:
            raise Written(
                f"{self.uri}/{name} has {len(data):,} bytes and was written with {size:,}.", hint=RESTORE
            )
        return data

    def read_document(
        self, name: str, make: Callable[[Any], Made], *, size: int | None = None, hint: str = RESTORE
    ) -> Made:
        """What `make` makes of a file of JSON. Raises Written where that is something else."""
        data = self.read_written(name, size)
        try:
            return make(json.loads(data))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise Written(
                f"{self.uri}/{name} is not what was written ({error!r:.100}).", hint=hint
            ) from error

    def read_ranges(self, name: str, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
        """Pieces of a file by offset and length; a negative offset counts from the end. Raises ShelfError."""
        system, base = self._place
        try:
            with system.open_input_file(f"{base}/{name}") as stream:
                size = stream.size()
                return [
                    stream.read_at(length, offset if offset >= 0 else max(0, size + offset))
                    for offset, length in ranges
                ]
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri}/{name} cannot be read", error) from error

    def names(self, folder: str) -> dict[str, int]:
        """The finished files of a folder with their sizes in bytes, sorted; none where it is not there."""
        system, base = self._place
        selector = fs.FileSelector(f"{base}/{folder}", allow_not_found=True)
        try:
            found = system.get_file_info(selector)
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri}/{folder} cannot be listed", error) from error
        files = (info for info in found if info.type == fs.FileType.File)
        return {
            info.base_name: info.size
            for info in sorted(files, key=lambda info: info.base_name)
            if not info.base_name.startswith(_UNFINISHED)
        }

    def missing(self, names: Iterable[str]) -> frozenset[str]:
        """Which of these files are not there. Raises ShelfError."""
        system, base = self._place
        asked = sorted(names)
        try:
            found = system.get_file_info([f"{base}/{name}" for name in asked])
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri} cannot be listed", error) from error
        pairs = zip(asked, found, strict=True)
        return frozenset(name for name, info in pairs if info.type != fs.FileType.File)

    def folders(self, folder: str) -> list[str]:
        """The folders of a folder, sorted; none where it is not there."""
        system, base = self._place
        selector = fs.FileSelector(f"{base}/{folder}", allow_not_found=True)
        try:
            found = system.get_file_info(selector)
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri}/{folder} cannot be listed", error) from error
        return sorted(info.base_name for info in found if info.type == fs.FileType.Directory)

    def drop(self, folder: str) -> None:
        """Delete a folder with all that is in it; one that is not there is no mistake."""
        system, base = self._place
        if system.get_file_info(f"{base}/{folder}").type == fs.FileType.Directory:
            system.delete_dir(f"{base}/{folder}")

    def delete(self, name: str) -> None:
        """Delete a file. Raises ShelfError."""
        system, base = self._place
        try:
            system.delete_file(f"{base}/{name}")
        except FileNotFoundError:
            return
        except (OSError, pa.ArrowException) as error:
            raise _explained(f"{self.uri}/{name} cannot be deleted", error) from error

    def write_table(self, name: str, table: pa.Table) -> int:
        """Write a table as Parquet (zstd); its size in bytes. Raises ShelfError."""
        held = BytesIO()
        pq.write_table(table, held, compression="zstd", write_page_checksum=True)
        self.write(name, held.getvalue())
        return held.tell()

    def read_table(
        self,
        name: str,
        *,
        size: int | None = None,
        columns: list[str] | None = None,
        where: Any = None,
    ) -> pa.Table:
        """A table as it was written, or some of its columns and rows.

        `size` is what its manifest says of its bytes. Raises Written where it is not that, and ShelfError.
        """
        data = self.read_written(name, size)
        try:
            return pq.read_table(
                pa.BufferReader(data), columns=columns, filters=where, page_checksum_verification=True
            )
        except (OSError, pa.ArrowException) as error:
            raise Written(f"{self.uri}/{name} is damaged: {error}.", hint=RESTORE) from error

    def __getstate__(self) -> Mapping[str, str]:
        # A file system's connections stay where they are; the other side opens its own.
        return {"uri": self.uri}

    def __setstate__(self, state: Mapping[str, str]) -> None:
        object.__setattr__(self, "uri", state["uri"])


def _write_and_rename(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.parent / f"{_UNFINISHED}{target.name}.{uuid4().hex}"
    try:
        with unfinished.open("wb") as sink:
            sink.write(data)
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    # Else the machine may lose its power and keep a manifest, but not the name of a table in it.
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@lru_cache(maxsize=8)
def _remote(uri: str) -> tuple[Any, str]:
    """Arrow's file system for a URI and the path in it. Raises ShelfError for one it does not know."""
    try:
        system, base = fs.FileSystem.from_uri(uri)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _explained(f"{uri} is no place for a data set", error) from error
    return system, base.rstrip("/")


def _explained(what: str, error: Exception) -> ShelfError:
    return ShelfError(f"{what}: {error}.", hint="What was committed before is safe; run the command again.")
