from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from threading import active_count
from urllib.parse import quote

import pytest
from botocore.stub import Stubber
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Notice
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.listing import cuts, pages
from dmarcwatch.collect.s3 import S3Collector
from dmarcwatch.collect.sources import S3Source, Settle
from dmarcwatch.collect.threads import threads
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL, SettlingContract
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.stores import BULK_BUCKET, client_of
from tests.collectors.wire import Fault, Wire


class TestSeaweedFS(SettlingContract):
    @pytest.fixture
    def origin(self, bucket):
        return bucket


class TestSeaweedFSThatMoves(TestSeaweedFS):
    gone_after = Settle.MOVE


# -- which objects ---------------------------------------------------------------------------------


def test_an_item_knows_when_it_was_stored_and_where_it_lies(bucket):
    bucket.put("in/report.xml", b"<feedback/>")
    (item,) = read_all(bucket.collector())
    assert item.origin == f"s3://{bucket.source.bucket}/in/report.xml"
    assert abs(item.received_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_the_marks_of_ses_and_of_consoles_are_no_mail(bucket):
    bucket.put("in/AMAZON_SES_SETUP_NOTIFICATION", b"x")
    bucket.put("in/folder/", b"")
    bucket.put("elsewhere", b"x")
    assert read_all(bucket.collector()) == []
    assert bucket.notices == []


def test_the_setup_notification_is_known_behind_a_prefix_without_a_slash(bucket):
    bucket.put("ruaAMAZON_SES_SETUP_NOTIFICATION", b"x")
    assert read_all(bucket.collector(prefix="rua")) == []


def test_odd_keys_are_read(bucket):
    keys = ["in/a b+c%20d", "in/ü/ä.xml", "in/2", "in/2/x", "in/2-a", "in/&<>'\"", "in/~"]
    for key in keys:
        bucket.put(key, key.encode())
    assert sorted(item.data.decode() for item in read_all(bucket.collector())) == sorted(keys)


def test_an_overwritten_object_is_read_again(bucket):
    bucket.put("in/report.xml", b"one")
    memory = RunMemory()
    read_all(bucket.collector(), memory)
    bucket.put("in/report.xml", b"two")
    assert [item.data for item in read_all(bucket.collector(), memory)] == [b"two"]


def test_of_a_versioned_object_the_present_one_is_read(bucket):
    name, client = bucket.source.bucket, bucket.client
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for data in (b"first", b"second"):
        bucket.put("in/report", data)
    bucket.put("in/gone", b"third")
    client.delete_object(Bucket=name, Key="in/gone")
    memory = RunMemory()
    assert [item.data for item in read_all(bucket.collector(), memory)] == [b"second"]
    collector = bucket.collector(Settle.DELETE)
    collector.settle(read_all(bucket.collector()))
    assert read_all(bucket.collector()) == []
    versions = client.list_object_versions(Bucket=name)["Versions"]
    assert len(versions) == 3, "deleting leaves the versions to who set up versioning"


def test_settled_mail_below_the_same_prefix_is_not_read_again(bucket):
    bucket.deliver(*MAIL)
    moving = {"settle": Settle.MOVE, "prefix": "", "done": "in/done/"}
    collector = bucket.collector(**moving)
    collector.settle(read_all(collector))
    assert len([key for key in bucket.names() if key.startswith("in/done/")]) == len(MAIL)
    assert read_all(bucket.collector(**moving)) == []


def test_an_object_written_anew_since_it_was_read_is_not_settled(bucket):
    bucket.put("in/report.xml", b"one")
    collector = bucket.collector(Settle.DELETE)
    items = read_all(collector)
    bucket.put("in/report.xml", b"two")
    collector.settle(items)
    assert bucket.names() == ["in/report.xml"]
    assert bucket.reasons() == ["unsettled"]


@pytest.fixture(scope="module")
def five_thousand(seaweedfs) -> tuple[str, set[str]]:
    """A bucket with names of every shape: SES's, reporters', folders, and what sorts before and after."""
    shapes = (
        "{:x}ses{}",
        "google.com!example.com!{}!{}.xml.gz",
        "2026/{}/{}",
        "Z{}{}",
        "~{}{}",
        "!{}{}",
        "v/{}{}",
    )
    keys = {f"in/{shapes[number % 7].format(number % 32, number)}" for number in range(5000)}
    # Asked again after an answer that took too long, it is there already.
    with closing(client_of(seaweedfs)) as client, suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BULK_BUCKET)
    # Without boto3, which signs each request and would take most of the time.
    with closing(HTTPConnection(seaweedfs.removeprefix("http://"))) as connection:
        for key in keys:
            connection.request("PUT", f"/{BULK_BUCKET}/{quote(key)}", key.encode())
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
    return BULK_BUCKET, keys


def test_five_thousand_objects_are_found_once_each_whatever_their_names(bucket, five_thousand):
    name, keys = five_thousand
    with ThreadPoolExecutor(8) as executor, closing(Aws(bucket.source)) as aws:
        found = [stored.key for page in pages(aws, name, "in/", executor) for stored in page]
    assert len(found) == len(keys) == 5000
    assert set(found) == keys


@given(st.text(max_size=3), st.text(max_size=5))
def test_the_key_space_is_cut_only_behind_what_was_listed(prefix, name):
    found = cuts(prefix, prefix + name)
    assert [prefix + name, *found] == sorted({prefix + name, *found})
    assert len(found) < 32


def test_the_key_space_is_cut_into_as_many_parts_as_there_are_pages_to_come():
    assert len(cuts("in/", "in/g0")) == 1  # half of the names came with the first page
    assert len(cuts("in/", "in/7z")) == 3
    assert len(cuts("in/", "in/00")) == 31


# -- objects that cannot be read -------------------------------------------------------------------


def test_of_an_object_beyond_the_budget_the_head_is_read(bucket):
    large = b"From: a@example.net\r\nSubject: large\r\n\r\n" + b"x" * 2000
    bucket.deliver(large)
    (item,) = read_all(bucket.collector(budgets=replace(Budgets(), max_message_bytes=1000)))
    assert (item.data, item.size, item.headers_only) == (
        b"From: a@example.net\r\nSubject: large\r\n",
        len(large),
        True,
    )


def test_an_object_that_goes_away_before_it_is_read_is_noticed(bucket):
    for number in range(100):
        bucket.put(f"in/{number:03}", b"x")
    items = bucket.collector(parallel=1).items(RunMemory())
    next(items)
    bucket.client.delete_object(Bucket=bucket.source.bucket, Key="in/099")
    assert len(list(items)) == 98
    assert bucket.reasons() == ["vanished"]


def test_an_answer_that_ends_within_a_date_is_asked_for_again(bucket):
    answers = iter([None, {"ETag": "1"}])

    def ask():
        # As botocore does of `Last-Modified: Sun, 22 N`.
        answer = next(answers, None)
        return answer if answer else parse_timestamp("Sun, 22 N")

    aws = Aws(bucket.source)
    assert aws.whole(ask, "ETag") == {"ETag": "1"}
    with pytest.raises(CollectError, match="break off in the middle"):
        aws.whole(ask, "ETag")
    with pytest.raises(CollectError, match="break off in the middle"), aws.explained():
        ask()


def test_all_threads_of_a_run_are_there_from_its_beginning():
    before = active_count()
    with threads(5) as executor:
        assert active_count() == before + 5
        assert list(executor.map(abs, (-1, 2, -3))) == [1, 2, 3]
    assert active_count() == before


def test_nobody_waits_for_ever_for_a_thread_that_died(bucket):
    aws = Aws(replace(bucket.source, timeout_seconds=0.02, attempts=1))
    with pytest.raises(CollectError, match="no answer within"):
        aws.result(Future())


def test_a_connection_that_breaks_in_mid_object_is_made_anew(bucket):
    data = [b"%d" % number * 100_000 for number in range(4)]
    bucket.deliver(*data)
    with Wire("127.0.0.1", int(bucket.address.rpartition(":")[2])) as wire:
        wire.faults.extend([Fault(after_bytes=50_000), Fault(after_bytes=50_000)])
        endpoint = f"http://127.0.0.1:{wire.port}"
        assert sorted(item.data for item in read_all(bucket.collector(endpoint=endpoint, parallel=2))) == data
        bucket.hang_up()


def stubbed(source: S3Source, notices: list[Notice]) -> tuple[S3Collector, Stubber]:
    """A collector whose client answers from a script that boto3 checks against the service's model."""
    collector = S3Collector(source, notify=notices.append)
    return collector, Stubber(collector._aws.s3)


def listed(key: str, storage_class: str = "STANDARD") -> dict:
    return {"Key": key, "ETag": '"1"', "Size": 1, "StorageClass": storage_class}


def page(*contents: dict) -> dict:
    return {"Contents": list(contents), "IsTruncated": False}


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_left_without_asking_for_it(bucket, storage_class):
    notices = []
    collector, stubber = stubbed(bucket.source, notices)
    stubber.add_response("list_objects_v2", page(listed("in/old", storage_class)))
    with stubber, closing(collector):
        assert read_all(collector) == []
    assert [(notice.reason, notice.left) for notice in notices] == [("archived", True)]


def test_an_object_in_an_archive_tier_is_left_when_reading_fails(bucket):
    notices = []
    collector, stubber = stubbed(bucket.source, notices)
    stubber.add_response("list_objects_v2", page(listed("in/old", "INTELLIGENT_TIERING")))
    stubber.add_client_error("get_object", "InvalidObjectState", http_status_code=403)
    with stubber, closing(collector):
        assert read_all(collector) == []
    assert [notice.reason for notice in notices] == ["archived"]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("SlowDown", "requests are throttled"),
        ("ExpiredToken", "the session token has expired"),
        ("RequestTimeTooSkewed", "the clock of this machine is wrong"),
        ("AuthorizationHeaderMalformed", "the bucket is in another region"),
    ],
)
def test_amazons_refusals_are_explained(bucket, code, meaning):
    collector, stubber = stubbed(bucket.source, [])
    stubber.add_client_error("list_objects_v2", code)
    with stubber, closing(collector), pytest.raises(CollectError, match=meaning) as caught:
        read_all(collector)
    assert caught.value.hint


def test_one_refused_object_among_good_ones_holds_up_none(bucket):
    notices = []
    collector, stubber = stubbed(replace(bucket.source, parallel=1), notices)
    stubber.add_response("list_objects_v2", page(listed("in/1"), listed("in/2")))
    stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
    stubber.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    memory = RunMemory()
    memory.written = "readable"  # an earlier run has read something
    with stubber, closing(collector):
        assert read_all(collector, memory) == []
    assert sorted(notice.reason for notice in notices) == ["denied", "vanished"]
