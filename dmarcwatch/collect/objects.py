"""One object of a bucket: what is known of it before it is read, and what reading it gives."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Notice
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.aws_errors import BUCKET_CODES, error_code, is_explained, is_failure, is_throttling
from dmarcwatch.collect.batches import MAX_HEAD_BYTES, head
from dmarcwatch.collect.envelope import EnvelopeError, decrypt, is_encrypted

SETUP_NOTIFICATION = "AMAZON_SES_SETUP_NOTIFICATION"
"""SES writes one object of this name, behind the prefix, when a receipt rule is made; it is no mail."""

_SES_NAME_CHARS = 40
"""SES names a mail by so many characters behind the prefix, which need not end with a slash."""
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
"""Storage classes that must be restored before reading; GLACIER_IR is read at once."""
_KEY_CODES = {"KeyUnavailableException", "DisabledException", "InvalidKeyUsageException"}
"""What KMS says of the object's key, beside all codes that begin with its name."""
_TRIES = 3
"""How often an object is asked for whose connection breaks while it comes: boto3 does not do that."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing or a notification tells of it."""

    bucket: str
    key: str
    version: str
    """What changes with the content: the ETag where it is told, else another mark of the event."""
    size: int | None = None
    """Bytes; None where not told."""
    storage_class: str | None = None
    etag_told: bool = True
    """Whether `version` is the ETag."""

    @property
    def token(self) -> str:
        """What it is remembered by where the ETag is told; else what it was told as."""
        return f"{self.bucket}/{self.key} {self.version}"

    @property
    def token_of_ses(self) -> str:
        """What it may be remembered by instead: databases hold what SES told of by SES's name of the mail."""
        return f"{self.bucket}/{self.key} {self.key.rpartition('/')[2][-_SES_NAME_CHARS:]}"

    def token_with(self, etag: str | None) -> str:
        """The token once the object was read, the same however it was told of."""
        if self.etag_told or not etag:
            return self.token
        return " ".join((f"{self.bucket}/{self.key}", etag.strip('"')))

    @property
    def url(self) -> str:
        """As people write it."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def may_hold_mail(self) -> bool:
        """False for the marks that consoles and SES leave."""
        return not (self.key.endswith(SETUP_NOTIFICATION) or (self.key.endswith("/") and not self.size))


def read_object(aws: Aws, found: StoredObject, budgets: Budgets) -> Item | Notice:
    """The object as an item, or why it is none; of one too large, the head.

    A notice with the reason `denied` may be a matter of the whole bucket. Raises CollectError where
    the service cannot be used at all, and Failing where that may be a matter of this object.
    """
    from botocore.exceptions import ClientError, ParamValidationError

    if found.storage_class in _ARCHIVES:
        return _archived(found.url)
    with aws.explained():
        try:
            answer, data = _download(aws, found, budgets.max_message_bytes)
        except ParamValidationError:
            return _unreadable(found, "its name is not valid")
        except ClientError as error:
            trouble = _trouble(found, error, told=aws.source.bucket is None)
            if trouble is None:
                raise
            if trouble.reason == "denied" and aws.source.queue is not None and _is_gone(aws, found):
                return _vanished(found.url)
            return trouble
    size = answer["ContentLength"]
    too_large = size > budgets.max_message_bytes
    encrypted = is_encrypted(answer["Metadata"])
    if encrypted and not too_large:
        try:
            data = decrypt(answer["Metadata"], data, aws.decrypt_key)
        except EnvelopeError as error:
            return Notice(found.url, "encrypted", f"{found.url} waits: {error}", left=True)
    return Item(
        origin=found.url,
        token=found.token_with(answer.get("ETag")),
        data=b"" if encrypted and too_large else data,
        received_at=answer["LastModified"].astimezone(UTC),
        size=size if too_large else None,
        headers_only=too_large and not encrypted,
    )


def _download(aws: Aws, found: StoredObject, limit: int) -> tuple[Mapping[str, Any], bytes]:
    """What GetObject tells and the bytes, or the head alone where there are more than `limit`."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    for tries_left in range(_TRIES, 0, -1):
        answer = aws.whole(
            lambda: aws.s3.get_object(Bucket=found.bucket, Key=found.key), "ContentLength", "LastModified"
        )
        with closing(answer["Body"]) as body:
            try:
                if answer["ContentLength"] > limit:
                    return answer, head(body.read(MAX_HEAD_BYTES))
                return answer, body.read()
            except (HTTPClientError, IncompleteReadError):
                if tries_left == 1:
                    raise
    raise AssertionError


def _trouble(found: StoredObject, error: Exception, *, told: bool) -> Notice | None:
    """What is wrong with this object alone; None where the error may be about more than it.

    What is wrong with a bucket that a queue `told` of is not about the others that it tells of.
    """
    url, code = found.url, error_code(error)
    if code in {"NoSuchKey", "404"}:
        return _vanished(url)
    if code == "InvalidObjectState":
        return _archived(url)
    if is_throttling(code) or is_failure(error):
        return None
    if code in {"AccessDenied", "403"} or code.startswith("KMS") or code in _KEY_CODES:
        return Notice(url, "denied", f"{url} may not be read ({code})", left=True)
    if is_explained(code) and not (told and code in BUCKET_CODES):
        return None
    return _unreadable(found, code)


def find_object(aws: Aws, bucket: str, key: str) -> StoredObject | None:
    """An object as a listing tells it, None where there is none. Raises ClientError.

    Who may list a prefix only is told "forbidden" by GET and HEAD of what is not there; a listing tells.
    """
    told = aws.whole(lambda: aws.s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1), "IsTruncated")
    for entry in told.get("Contents", []):
        if entry.get("Key") == key:
            return StoredObject(bucket, key, entry.get("ETag", "").strip('"'), entry.get("Size"))
    return None


def _is_gone(aws: Aws, found: StoredObject) -> bool:
    """Whether what a queue told of is there no more; False where that may not be known."""
    from botocore.exceptions import ClientError

    try:
        return find_object(aws, found.bucket, found.key) is None
    except ClientError:
        return False


def _vanished(url: str) -> Notice:
    return Notice(url, "vanished", f"{url} went away before it was read", left=False)


def _unreadable(found: StoredObject, why: str) -> Notice:
    return Notice(found.url, "unreadable", f"{found.url} cannot be read ({why})", left=True)


def _archived(url: str) -> Notice:
    return Notice(url, "archived", f"{url} is archived and must be restored before it can be read", left=True)
