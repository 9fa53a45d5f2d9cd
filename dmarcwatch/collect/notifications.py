"""What a message of a queue says about objects: five ways to be told of the same thing.

S3 event notifications come as they are, wrapped by SNS, or rewritten by EventBridge; SES's own
notification of a stored mail comes through SNS. Names are in Amazon's "Event message structure".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from dmarcwatch.collect.objects import SETUP_NOTIFICATION, StoredObject


class UnknownMessage(Exception):
    """The message is none of those; it may be somebody else's."""


def objects_of(body: str) -> tuple[StoredObject, ...]:
    """The objects that a message says were written; none for a test, a setup or a removal.

    Raises UnknownMessage.
    """
    try:
        return tuple(_objects(json.loads(body)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownMessage from error


def _objects(told: Mapping[str, Any]) -> Iterator[StoredObject]:
    if "Records" in told:
        yield from (_from_record(record) for record in told["Records"] if _tells_of_writing(record))
    elif told.get("Type") == "Notification":  # SNS, without raw delivery
        yield from _objects(json.loads(told["Message"]))
    elif told.get("source") == "aws.s3":
        if told["detail-type"] == "Object Created":
            yield _from_event_bridge(told["detail"])
    elif "receipt" in told:
        if told["mail"]["messageId"] != SETUP_NOTIFICATION:
            yield _from_ses(told)
    elif told.get("Event") != "s3:TestEvent":
        raise ValueError("unknown")


def _tells_of_writing(record: Mapping[str, Any]) -> bool:
    # `ObjectCreated:Put`, and `s3:ObjectCreated:Put` in what some other stores send.
    return str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:")


def _from_record(record: Mapping[str, Any]) -> StoredObject:
    told = record["s3"]["object"]
    return StoredObject(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(told["key"]),  # a space comes as a plus sign
        version=_version(told.get("eTag"), record["eventTime"]),
        size=told.get("size"),
    )


def _from_event_bridge(detail: Mapping[str, Any]) -> StoredObject:
    told = detail["object"]
    return StoredObject(
        bucket=detail["bucket"]["name"],
        key=told["key"],  # not encoded here
        version=_version(told.get("etag"), told.get("sequencer", "")),
        size=told.get("size"),
    )


def _from_ses(told: Mapping[str, Any]) -> StoredObject:
    action = told["receipt"]["action"]
    return StoredObject(action["bucketName"], action["objectKey"], version=told["mail"]["messageId"])


def _version(etag: str | None, otherwise: str) -> str:
    return etag.strip('"') if etag else otherwise
