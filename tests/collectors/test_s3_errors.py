import threading
from dataclasses import replace

import pytest

from dmarcwatch.collect.sources import S3Source, Settle
from dmarcwatch.errors import CollectError, ConfigError
from tests.collectors.bucket import Bucket, credentials
from tests.collectors.contract import MAIL
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.servers import free_port
from tests.collectors.stores import LIST_KEYS, READ_KEYS
from tests.collectors.wire import Fault, Wire

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


@pytest.mark.parametrize("endpoint", ["not a url", "http://local host:99"])
def test_an_endpoint_that_is_no_url_is_said_and_no_answer_that_broke_off(bucket, endpoint):
    assert f"{endpoint!r} is no address" in refusal(bucket, endpoint=endpoint).message


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
        bucket.hang_up()


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


@pytest.mark.parametrize(("prefix", "done"), [("inbox/", "in"), ("mail/new/", "mail/"), ("in/", "in/")])
def test_a_prefix_that_lies_below_done_is_a_mistake_because_nothing_would_be_read(prefix, done):
    with pytest.raises(ConfigError, match="below `done`, which is never read"):
        S3Source("bucket", prefix, settle=Settle.MOVE, done=done)
