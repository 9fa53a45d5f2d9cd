"""What a message of a queue says about objects: five ways to be told of the same thing.

S3 event notifications come as they are, wrapped by SNS, or rewritten by EventBridge; SES's own
notification of a stored mail comes through SNS. Names are in Amazon's "Event message structure".
Anybody who may send to the queue may send anything, so every word is looked at before it is used.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from dmarcwatch.collect.objects import SETUP_NOTIFICATION, StoredObject

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
"""What boto3 takes for the name of a bucket, the oldest ones included."""


class UnknownMessage(Exception):
    """The message is none of those; it may be somebody else's."""


class Told(NamedTuple):
    """One object that a message speaks of."""

    found: StoredObject
    written: bool
    """False where something else became of it: removed, tagged, restored."""


def objects_of(body: str) -> tuple[Told, ...]:
    """The objects that a message speaks of; none for a test or a setup. Raises UnknownMessage."""
    try:
        return tuple(_objects(json.loads(body)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnknownMessage from error


def _objects(told: Mapping[str, Any]) -> Iterator[Told]:
    if "Records" in told:
        if not told["Records"]:
            raise ValueError("nothing")
        yield from map(_from_record, told["Records"])
    elif told.get("Type") == "Notification":  # SNS, without raw delivery
        yield from _objects(json.loads(told["Message"]))
    elif told.get("source") == "aws.s3":
        yield _from_event_bridge(told["detail-type"], told["detail"])
    elif "receipt" in told:
        if told["mail"]["messageId"] != SETUP_NOTIFICATION:
            yield _from_ses(told)
    elif told.get("Event") != "s3:TestEvent":
        raise ValueError("unknown")


def _from_record(record: Mapping[str, Any]) -> Told:
    # `aws:s3`, and `minio:s3` or `ceph:s3` in what some other stores send; some send none.
    if not _text(record.get("eventSource", ":s3")).endswith(":s3"):
        raise ValueError("another service")
    told = record["s3"]["object"]
    # `ObjectCreated:Put`, and `s3:ObjectCreated:Put` in what some other stores send.
    written = _text(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:")
    key = unquote_plus(_text(told["key"]))  # a space comes as a plus sign
    mark = record.get("eventTime")
    return Told(_object(record["s3"]["bucket"], key, told.get("eTag"), mark, told.get("size")), written)


def _from_event_bridge(kind: object, detail: Mapping[str, Any]) -> Told:
    told = detail["object"]
    key, mark = _text(told["key"]), told.get("sequencer")  # not encoded here
    found = _object(detail["bucket"], key, told.get("etag"), mark, told.get("size"))
    return Told(found, kind == "Object Created")


def _from_ses(told: Mapping[str, Any]) -> Told:
    action = told["receipt"]["action"]
    bucket = {"name": action["bucketName"]}
    return Told(_object(bucket, _text(action["objectKey"]), None, told["mail"]["messageId"], None), True)


def _object(bucket: Mapping[str, Any], key: str, etag: object, mark: object, size: object) -> StoredObject:
    """An object by its ETag, or by another mark of the event where that is not told. Raises ValueError."""
    name = _text(bucket["name"])
    if not _BUCKET.fullmatch(name):
        raise ValueError("no name of a bucket")
    if size is not None and (type(size) is not int or size < 0):
        raise ValueError("no size")
    if etag:
        return StoredObject(name, key, _text(etag).strip('"'), size)
    return StoredObject(name, key, _text(mark) if mark else "", size, etag_told=False)


def _text(value: object) -> str:
    """The value, if it is text that can be stored and asked for. Raises ValueError."""
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    value.encode()  # half of a surrogate pair can be written in JSON
    return value
