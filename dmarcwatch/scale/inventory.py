"""The objects that an S3 inventory names (Amazon S3 User Guide, "Cataloging your data with S3 Inventory").

Listing a bucket of a hundred million objects takes as many requests as it has thousands; its daily inventory
is a few files. Only the CSV format is read; keys in it are URL-encoded.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from hashlib import md5
from io import StringIO
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.objects import StoredObject
from dmarcwatch.errors import CollectError, ConfigError

_TEXTS = ("sourceBucket", "destinationBucket", "fileFormat", "fileSchema")
_WHOLE = "Give the manifest.json that S3 wrote; while it is still being written, use that of the day before."
_HINT = "Make an inventory with format CSV and the fields Size, ETag and Storage class."


def source_bucket(aws: Aws, url: str) -> str:
    """The bucket whose objects an inventory names. Raises CollectError and ConfigError."""
    bucket: str = _manifest(aws, url)["sourceBucket"]
    return bucket


def inventoried(aws: Aws, url: str) -> Iterator[StoredObject]:
    """The objects that the inventory with this manifest.json names, in its order; current versions alone.

    Raises CollectError where a file of it is missing or not what the manifest says.
    """
    manifest = _manifest(aws, url)
    fields = [name.strip() for name in manifest["fileSchema"].split(",")]
    if manifest["fileFormat"] != "CSV" or not {"Bucket", "Key", "ETag"} <= set(fields):
        raise ConfigError([f"{url} is an inventory that cannot be read here."], hint=_HINT)
    bucket = manifest["destinationBucket"].removeprefix("arn:aws:s3:::")
    for file in manifest["files"]:
        data = _read(aws, bucket, file["key"])
        if md5(data, usedforsecurity=False).hexdigest() != file["MD5checksum"]:
            raise CollectError(f"s3://{bucket}/{file['key']} is not what {url} says; it may be half written.")
        yield from _listed(data, fields, f"s3://{bucket}/{file['key']}")


def _listed(data: bytes, fields: list[str], url: str) -> Iterator[StoredObject]:
    """The objects in one file of an inventory. Raises CollectError for a line that cannot be read."""
    try:
        rows = csv.reader(StringIO(gzip.decompress(data).decode()))
        yield from (found for row in rows if (found := _object(dict(zip(fields, row, strict=True)))))
    except (ValueError, EOFError, OSError, zlib.error, csv.Error) as error:
        raise CollectError(f"{url} has a line that cannot be read: {error}.", hint=_HINT) from error


def _object(row: dict[str, str]) -> StoredObject | None:
    """One line; None for what is not there any more."""
    if row.get("IsLatest") == "false" or row.get("IsDeleteMarker") == "true":
        return None
    size = row.get("Size")
    return StoredObject(
        row["Bucket"],
        unquote_plus(row["Key"]),
        row["ETag"],
        int(size) if size else None,
        row.get("StorageClass") or None,
    )


def _manifest(aws: Aws, url: str) -> dict[str, Any]:
    place = urlsplit(url)
    if place.scheme != "s3" or not place.path.endswith("manifest.json"):
        raise ConfigError([f"{url} names no inventory."], hint="Give s3://bucket/.../manifest.json.")
    data = _read(aws, place.netloc, place.path.lstrip("/"))
    try:
        found: dict[str, Any] = json.loads(data)
        texts = [found[name] for name in _TEXTS]
        texts += [file[name] for file in found["files"] for name in ("key", "MD5checksum")]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise CollectError(f"{url} is no manifest of an inventory ({error!r:.100}).", hint=_WHOLE) from error
    if not all(isinstance(text, str) for text in texts):
        raise CollectError(f"{url} is no manifest of an inventory.", hint=_WHOLE)
    return found


def _read(aws: Aws, bucket: str, key: str) -> bytes:
    with aws.explained(), closing(aws.s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
        return body.read()
