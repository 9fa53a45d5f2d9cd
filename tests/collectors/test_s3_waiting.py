"""A service that answers for ever holds nobody up."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dmarcwatch.collect.s3 import S3Collector
from dmarcwatch.collect.sources import Settle
from dmarcwatch.errors import CollectError
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_store import answer_oddly

LISTED = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>in/1</Key><ETag>1</ETag>"
    b"<Size>1000</Size></Contents></ListBucketResult>"
)


class Dribbles(BaseHTTPRequestHandler):
    """Lists an object, of which it sends a byte now and then."""

    listing = LISTED

    def do_GET(self) -> None:
        if "list-type" in self.path and self.listing:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.listing)))
            self.end_headers()
            self.wfile.write(self.listing)
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 08:00:00 GMT")
        self.end_headers()
        while not self.server.ended.wait(0.1):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        pass


class DribblesEvenTheList(Dribbles):
    listing = b""


@pytest.fixture
def dribbling(request) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), getattr(request, "param", Dribbles)) as server:
        server.ended = threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def soon(monkeypatch) -> None:
    """No grace and no farewell, which would only make the tests long."""
    monkeypatch.setattr("dmarcwatch.collect.aws._GRACE_SECONDS", 0.2)
    monkeypatch.setattr("dmarcwatch.collect.threads._LEAVE_SECONDS", 0.2)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("dribbling", [Dribbles, DribblesEvenTheList], indirect=True)
def test_a_run_ends_with_its_time_while_a_service_dribbles(bucket, dribbling):
    source = replace(bucket.source, endpoint=dribbling, parallel=1)
    began = time.monotonic()
    collector = S3Collector(source, deadline=began + 1)
    with closing(collector), pytest.raises(CollectError, match="the time given to the run ended") as caught:
        read_all(collector)
    assert time.monotonic() - began < 60
    assert caught.value.hint


@pytest.mark.usefixtures("soon")
def test_without_a_deadline_an_object_takes_no_longer_than_all_tries_together(bucket, dribbling):
    source = replace(bucket.source, endpoint=dribbling, parallel=1, timeout_seconds=0.5)
    with closing(S3Collector(source)) as collector, pytest.raises(CollectError, match="no answer within 2 s"):
        read_all(collector)


def test_a_process_ends_while_a_service_dribbles(bucket, dribbling):
    program = (
        "import time\n"
        "from dmarcwatch.collect.s3 import S3Collector\n"
        "from dmarcwatch.collect.sources import S3Source\n"
        "from dmarcwatch.errors import CollectError\n"
        "from tests.collectors.memory import read_all\n"
        f"source = S3Source('b', 'in/', endpoint={dribbling!r}, region='eu-west-1', parallel=2)\n"
        "try: read_all(S3Collector(source, deadline=time.monotonic()))\n"
        "except CollectError as error: print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the time given to the run ended" in done.stdout


@pytest.mark.usefixtures("soon")
def test_an_answer_that_comes_at_the_last_moment_is_an_item_and_what_was_stored_is_settled(bucket):
    bucket.put("in/1", b"1")
    source = replace(bucket.source, settle=Settle.DELETE)
    deadline = time.monotonic() + 8
    with closing(S3Collector(source, deadline=deadline)) as collector:
        (item,) = collector.items(RunMemory())
        time.sleep(max(0.0, deadline + 0.5 - time.monotonic()))
        answer_oddly(collector, "DeleteObject", lambda path: time.sleep(0.5))
        collector.settle([item])
    assert bucket.names() == []
