"""Answers that break off: within their headers boto3 takes them for whole."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import pytest
from botocore.response import StreamingBody

from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import Settle
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL
from tests.collectors.memory import read_all
from tests.collectors.test_s3 import listed, page, stubbed


def answer(data: bytes) -> dict:
    stored = datetime(2026, 11, 20, tzinfo=UTC)
    body = StreamingBody(BytesIO(data), len(data))
    return {"Body": body, "ContentLength": len(data), "LastModified": stored, "Metadata": {}}


def test_an_answer_that_broke_off_is_asked_for_again(bucket):
    collector, stubber = stubbed(replace(bucket.source, parallel=1), [])
    stubber.add_response("list_objects_v2", {})
    stubber.add_response("list_objects_v2", page(listed("in/1")))
    stubber.add_response("get_object", {"Body": StreamingBody(BytesIO(b""), 0)})
    stubber.add_response("get_object", answer(MAIL[0]))
    with stubber, closing(collector):
        assert [item.data for item in read_all(collector)] == [MAIL[0]]
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("operation", ["list_objects_v2", "get_object", "head_object"])
def test_answers_that_always_break_off_are_an_error_and_no_empty_bucket(bucket, operation):
    source = replace(bucket.source, parallel=1, settle=Settle.DELETE)
    collector, stubber = stubbed(source, [])
    if operation != "list_objects_v2":
        stubber.add_response("list_objects_v2", page(listed("in/1")))
    if operation == "head_object":
        stubber.add_response("get_object", answer(MAIL[0]))
    for _ in range(3):
        stubber.add_response(operation, {})
    with stubber, closing(collector), pytest.raises(CollectError, match="answers break off") as caught:
        collector.settle(read_all(collector))
    assert caught.value.hint


@pytest.mark.parametrize("continuation", [{}, {"NextContinuationToken": "same"}])
def test_a_listing_that_does_not_say_where_it_goes_on_is_no_end(bucket, continuation):
    collector, stubber = stubbed(replace(bucket.source, parallel=1), [])
    for number in range(34):
        keys = [listed(f"in/z{number}")] if number == 0 else []
        stubber.add_response("list_objects_v2", {"Contents": keys, "IsTruncated": True} | continuation)
    stubber.add_response("get_object", answer(MAIL[0]))
    with (
        stubber,
        closing(collector),
        pytest.raises(CollectError, match="where the list goes on") as caught,
    ):
        read_all(collector)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["Key", "ETag", "Size"])
def test_a_listing_without_the_names_of_its_objects_is_an_error(bucket, name):
    collector, stubber = stubbed(replace(bucket.source, parallel=1), [])
    untold = {key: value for key, value in listed("in/1").items() if key != name}
    stubber.add_response("list_objects_v2", page(untold))
    with stubber, closing(collector), pytest.raises(CollectError, match="without telling the key") as caught:
        read_all(collector)
    assert caught.value.hint


class HalfOfAnAnswer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<ListBucketResult><IsTruncated>fal")

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_that_is_half_of_one_is_an_error_with_a_remedy(bucket):
    with HTTPServer(("127.0.0.1", 0), HalfOfAnAnswer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        source = replace(bucket.source, endpoint=f"http://127.0.0.1:{server.server_port}")
        with closing(open_source(source)) as collector, pytest.raises(CollectError) as caught:
            read_all(collector)
        server.shutdown()
        thread.join()
    assert "the service failed (500)" in caught.value.message
    assert caught.value.hint == "Run later."
