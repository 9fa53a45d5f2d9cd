import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Notice
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.listing import cuts, pages
from dmarcwatch.collect.s3 import S3Collector
from dmarcwatch.collect.sources import S3Source, Settle
from dmarcwatch.errors import CollectError, ConfigError
from tests.collectors.bucket import Bucket, credentials
from tests.collectors.contract import MAIL, SettlingContract
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.servers import BULK_BUCKET, LIST_KEYS, READ_KEYS, client_of, free_port
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
    with closing(client_of(seaweedfs)) as client:
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


def test_a_connection_that_breaks_in_mid_object_is_made_anew(bucket):
    data = [b"%d" % number * 100_000 for number in range(4)]
    bucket.deliver(*data)
    with Wire("127.0.0.1", int(bucket.address.rpartition(":")[2])) as wire:
        wire.faults.extend([Fault(after_bytes=50_000), Fault(after_bytes=50_000)])
        endpoint = f"http://127.0.0.1:{wire.port}"
        assert sorted(item.data for item in read_all(bucket.collector(endpoint=endpoint, parallel=2))) == data
        bucket.close()


def stubbed(source: S3Source, notices: list[Notice]) -> tuple[S3Collector, Stubber]:
    """A collector whose client answers from a script that boto3 checks against the service's model."""
    collector = S3Collector(source, notify=notices.append)
    return collector, Stubber(collector._aws.s3)


def listed(key: str, storage_class: str = "STANDARD") -> dict:
    return {"Key": key, "ETag": '"1"', "Size": 1, "StorageClass": storage_class}


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_left_without_asking_for_it(bucket, storage_class):
    notices = []
    collector, stubber = stubbed(bucket.source, notices)
    stubber.add_response("list_objects_v2", {"Contents": [listed("in/old", storage_class)]})
    with stubber, closing(collector):
        assert read_all(collector) == []
    assert [(notice.reason, notice.left) for notice in notices] == [("archived", True)]


def test_an_object_in_an_archive_tier_is_left_when_reading_fails(bucket):
    notices = []
    collector, stubber = stubbed(bucket.source, notices)
    stubber.add_response("list_objects_v2", {"Contents": [listed("in/old", "INTELLIGENT_TIERING")]})
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
    stubber.add_response("list_objects_v2", {"Contents": [listed("in/1"), listed("in/2")]})
    stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
    stubber.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    memory = RunMemory()
    memory.written = "readable"  # an earlier run has read something
    with stubber, closing(collector):
        assert read_all(collector, memory) == []
    assert [notice.reason for notice in notices] == ["denied", "vanished"]


# -- ways in that are closed -----------------------------------------------------------------------


def refusal(store: Bucket, **changes) -> CollectError:
    with pytest.raises(CollectError) as caught:
        read_all(store.collector(**changes))
    assert caught.value.hint
    assert caught.value.message.startswith(f"{replace(store.source, **changes).name}: ")
    return caught.value


def test_a_reader_needs_no_more_than_to_list_and_read(bucket, monkeypatch):
    bucket.deliver(*MAIL)
    credentials(monkeypatch, READ_KEYS)
    collector = bucket.collector(Settle.DELETE)
    items = read_all(collector)
    assert len(items) == len(MAIL)
    with pytest.raises(CollectError, match="permission is missing") as caught:
        collector.settle(items)
    assert "--iam" in caught.value.hint
    assert len(bucket.names()) == len(MAIL)


def test_a_wrong_key_and_a_wrong_secret_are_told_apart(bucket, monkeypatch):
    credentials(monkeypatch, ("nobody", "secret"))
    assert "access key id is not known" in refusal(bucket).message
    credentials(monkeypatch, (READ_KEYS[0], "hunter2"))
    error = refusal(bucket)
    assert "secret access key does not belong" in error.message
    assert "hunter2" not in error.message


def test_permission_to_list_and_none_to_read_is_an_error(bucket, monkeypatch):
    bucket.deliver(*MAIL)
    credentials(monkeypatch, LIST_KEYS)
    assert "its objects may not be read" in refusal(bucket).message


def test_permission_lost_after_good_runs_is_an_error_too(bucket, monkeypatch):
    memory = RunMemory()
    bucket.deliver(*MAIL)
    read_all(bucket.collector(), memory)
    bucket.deliver(*MAIL * 4)
    credentials(monkeypatch, LIST_KEYS)
    with pytest.raises(CollectError, match="may not be read"):
        read_all(bucket.collector(), memory)


def test_a_bucket_of_somebody_else_is_an_error(bucket, monkeypatch):
    credentials(monkeypatch, READ_KEYS)
    assert "permission is missing (AccessDenied)" in refusal(bucket, bucket="probe").message


def test_a_missing_bucket_is_an_error(bucket):
    assert "there is no such bucket" in refusal(bucket, bucket="reports-missing").message


def test_a_bucket_name_that_cannot_be_is_an_error(bucket):
    assert "the bucket's name is not valid" in refusal(bucket, bucket="no such/name").message


def test_no_credentials_at_all_is_an_error(bucket, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert "no credentials were found" in refusal(bucket).message
    assert "the profile is not in the AWS configuration" in refusal(bucket, profile="other").message


def test_an_endpoint_that_is_not_there_is_an_error(bucket):
    port = free_port()
    assert "nothing listens at" in refusal(bucket, endpoint=f"http://127.0.0.1:{port}").message
    assert "cannot be found" in refusal(bucket, endpoint="http://s3.invalid").message


def test_tls_where_there_is_none_is_explained(bucket):
    error = refusal(bucket, endpoint=bucket.address.replace("http:", "https:"))
    assert "speaks no TLS" in error.message


def test_no_tls_where_it_is_wanted_and_a_strange_certificate_are_explained(bucket, identity_provider):
    place = f"localhost:{identity_provider.port}"
    assert "closed without an answer" in refusal(bucket, endpoint=f"http://{place}").message
    error = refusal(bucket, endpoint=f"https://{place}")
    assert "TLS failed" in error.message and "AWS_CA_BUNDLE" in error.hint


def test_an_endpoint_that_falls_silent_in_mid_object_is_an_error(bucket):
    bucket.deliver(b"x" * 500_000)
    with Wire("127.0.0.1", int(bucket.address.rpartition(":")[2])) as wire:
        wire.faults.extend([Fault(after_bytes=100_000, silent=True)] * 10)
        endpoint = f"http://127.0.0.1:{wire.port}"
        assert "no answer in time" in refusal(bucket, endpoint=endpoint, timeout_seconds=0.5).message
        bucket.close()


def test_leaving_off_in_the_middle_leaves_no_thread_behind(bucket):
    bucket.deliver(*MAIL * 10)
    items = bucket.collector().items(RunMemory())
    next(items)
    items.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("s3")]


def test_objects_cannot_be_marked_as_seen():
    with pytest.raises(ConfigError, match="cannot be marked as seen"):
        S3Source("bucket", settle=Settle.SEEN)


def test_moving_objects_needs_a_prefix_and_a_source_needs_a_bucket_or_a_queue():
    with pytest.raises(ConfigError, match="name the prefix `done`"):
        S3Source("bucket", settle=Settle.MOVE)
    with pytest.raises(ConfigError, match="needs a bucket or a queue"):
        S3Source()
