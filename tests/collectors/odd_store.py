"""Answers that a store gives rarely, in the middle of those of a real one."""

import threading
from collections.abc import Callable
from io import BytesIO
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError

from dmarcwatch.collect.s3 import S3Collector

Answer = tuple[int, bytes] | Exception
"""Status and body, or what happens to the connection."""


def refusal(code: str, status: int = 403) -> Answer:
    """An error as S3 writes it."""
    return status, f"<Error><Code>{code}</Code><Message>odd</Message></Error>".encode()


TIMEOUT = ReadTimeoutError(endpoint_url="odd")


class _Body(BytesIO):
    def stream(self, **_: object):
        yield self.read()


def answer_oddly(collector: S3Collector, operation: str, answer: Callable[[str], Answer | None]) -> list[str]:
    """Answer requests of `operation` about some paths; those where `answer` has none go to the store.

    The paths that were asked for, which tests may look at later.
    """
    asked: list[str] = []
    lock = threading.Lock()

    def before_send(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        path = unquote(urlsplit(request.url).path)
        with lock:
            asked.append(path)
        found = answer(path)
        if isinstance(found, Exception):
            raise found
        if found is None:
            return None
        status, body = found
        return AWSResponse(request.url, status, {"Content-Type": "application/xml"}, _Body(body))

    collector._aws.s3.meta.events.register(f"before-send.s3.{operation}", before_send)
    return asked
