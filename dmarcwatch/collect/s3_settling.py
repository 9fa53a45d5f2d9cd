"""What becomes of an object at its origin once it is stored: moved or deleted, never lost."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from dmarcwatch.collect import Item, Notice, Notify
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.aws_errors import RIGHTS, Failing, error_code
from dmarcwatch.collect.objects import StoredObject, find_object
from dmarcwatch.collect.sources import Settle
from dmarcwatch.errors import CollectError

_DENIED = {"AccessDenied", "403"}
_IN_A_ROW = 10
"""Objects that fail one after the other until the service counts as down."""
_NEEDED = {
    "CopyObject": ("move", "s3:PutObject for `done`; of tagged objects, or with a key of KMS, more"),
    "DeleteObject": ("delete", "s3:DeleteObject"),
}
"""What each operation does, and the right to it."""
_OWN_ETAG = {None, "AES256"}
"""Encryption by the bucket with which an ETag still is the MD5 of the content."""


class Denied(CollectError):
    """One object may not be moved or deleted; others perhaps may."""


class _Present(NamedTuple):
    """An object as it is now."""

    bucket: str
    key: str
    etag: str
    size: int
    told_by_etag: bool
    """The ETag stands for the content: no multipart upload (`-`), no key of KMS."""


def settle_objects(
    aws: Aws, items: Sequence[Item], executor: Executor, notify: Notify
) -> CollectError | None:
    """Move or delete stored objects, as configured; the first of what went wrong.

    What is wrong with one is not about the others, until too many fail in a row.
    """
    under_way = [executor.submit(settle_object, aws, item) for item in items]
    first: CollectError | None = None
    in_a_row = 0
    for future in under_way:
        try:
            # What a run stored in its last seconds is settled as well.
            notice = aws.result(future, at_least=aws.source.timeout_seconds)
        except Denied as error:
            first = first or error
        except CollectError as error:
            first = first or error
            in_a_row += 1
            if not isinstance(error, Failing) or in_a_row == _IN_A_ROW:
                break
        else:
            in_a_row = 0
            if notice is not None:
                notify(notice)
    for future in under_way:
        future.cancel()
    return first


def settle_object(aws: Aws, item: Item) -> Notice | None:
    """Move or delete a stored object, as configured, unless it was written anew since it was read.

    A notice where it is left; None where it is settled or gone. Raises CollectError, and Denied where
    a right is missing.
    """
    from botocore.exceptions import ClientError

    place, _, version = item.token.rpartition(" ")
    bucket, _, key = place.partition("/")
    with aws.explained():
        try:
            found = _present(aws, bucket, key)
            # SES never writes a name twice, and its notification tells the name, not the ETag.
            if version != found.etag and not (version and key.endswith(version)):
                return _left(item, "has changed")
            if aws.source.settle is Settle.MOVE:
                _copy(aws, found)
            aws.s3.delete_object(Bucket=bucket, Key=key)
        except ClientError as error:
            return _refused(aws, item, error)
    return None


def _refused(aws: Aws, item: Item, error: Exception) -> Notice | None:
    """What a refusal says of the object. Raises Denied, or the error itself."""
    code, operation = error_code(error), getattr(error, "operation_name", "")
    if code in {"404", "NoSuchKey"}:
        return None
    if code in {"PreconditionFailed", "412"}:
        return _left(item, "has changed")
    if code not in _DENIED:
        raise error
    if operation not in _NEEDED:
        # Without the right to list all of the bucket, S3 says this of an object that is gone as well.
        return _left(item, "is gone or may not be read any more")
    done, right = _NEEDED[operation]
    raise Denied(
        f"{aws.source.name}: permission is missing to {done} {item.origin} ({code}): {right}", hint=RIGHTS
    ) from error


def _left(item: Item, why: str) -> Notice:
    return Notice(item.origin, "unsettled", f"{item.origin} {why} and is left", left=False)


def _present(aws: Aws, bucket: str, key: str) -> _Present:
    told = aws.whole(lambda: aws.s3.head_object(Bucket=bucket, Key=key), "ETag", "ContentLength")
    etag = told["ETag"].strip('"')
    plain = told.get("ServerSideEncryption") in _OWN_ETAG and "SSECustomerAlgorithm" not in told
    return _Present(bucket, key, etag, told["ContentLength"], plain and "-" not in etag)


def _copy(aws: Aws, found: _Present) -> None:
    """Copy an object to `done`, unless it lies there already, and over no other."""
    target = f"{aws.source.done}{found.key.removeprefix(aws.source.prefix)}"
    there = _at(aws, found.bucket, target)
    if there is not None and (there.version, there.size) == (found.etag, found.size) and found.told_by_etag:
        return  # a run ended between copying and deleting
    if there is not None:
        # Only a copy of this very content has this name.
        target = f"{target}.{found.etag}"
    aws.s3.copy_object(
        Bucket=found.bucket,
        Key=target,
        CopySource={"Bucket": found.bucket, "Key": found.key},
        CopySourceIfMatch=f'"{found.etag}"',
    )


def _at(aws: Aws, bucket: str, key: str) -> StoredObject | None:
    """What lies there; an object of which nothing is known where nobody says whether there is one."""
    from botocore.exceptions import ClientError

    try:
        return find_object(aws, bucket, key)
    except ClientError as error:
        if error_code(error) in _DENIED:
            return StoredObject(bucket, key, "")
        raise
