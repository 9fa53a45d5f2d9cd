"""Settling does what it can for each object, says what right is missing, and loses none."""

import pytest

from dmarcwatch.collect.sources import Settle
from dmarcwatch.errors import CollectError
from tests.collectors.memory import read_all
from tests.collectors.odd_store import TIMEOUT, answer_oddly, refusal
from tests.collectors.test_s3_troubles import fill, of
from tests.collectors.test_sqs import Told, told

__all__ = ["told"]


def content(bucket, key: str) -> bytes:
    return bucket.client.get_object(Bucket=bucket.source.bucket, Key=key)["Body"].read()


def move(bucket) -> None:
    collector = bucket.collector(Settle.MOVE)
    collector.settle(read_all(collector))


# -- rights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settle", "operation", "right"),
    [
        (Settle.DELETE, "DeleteObject", "s3:DeleteObject"),
        (Settle.MOVE, "CopyObject", "s3:PutObject"),
        (Settle.MOVE, "DeleteObject", "s3:DeleteObject"),
    ],
)
def test_a_missing_right_is_named_after_all_others_are_settled(bucket, settle, operation, right):
    fill(bucket, "1", "2", "3", "4")
    collector = bucket.collector(settle)
    answer_oddly(collector, operation, of("1", "3", gives=refusal("AccessDenied")))
    with pytest.raises(CollectError, match=right) as caught:
        collector.settle(read_all(collector))
    assert "--iam" in caught.value.hint
    assert [name for name in bucket.names() if name.startswith("in/")] == ["in/1", "in/3"]


def test_an_object_that_is_gone_is_no_error_to_who_may_not_list(bucket):
    fill(bucket, "1", "2")
    collector = bucket.collector(Settle.DELETE)
    items = read_all(collector)
    bucket.client.delete_object(Bucket=bucket.source.bucket, Key="in/1")
    answer_oddly(collector, "HeadObject", of("1", gives=(403, b"")))
    collector.settle(items)
    assert bucket.names() == []
    assert bucket.reasons() == ["unsettled"]


def test_one_object_that_fails_is_an_error_after_the_others_are_settled(bucket):
    fill(bucket, "1", "2", "3")
    collector = bucket.collector(Settle.DELETE)
    answer_oddly(collector, "DeleteObject", of("2", gives=TIMEOUT))
    with pytest.raises(CollectError, match="no answer in time"):
        collector.settle(read_all(collector))
    assert bucket.names() == ["in/2"]


def test_a_service_that_fails_altogether_is_not_asked_about_each_object(bucket):
    fill(bucket, *(f"{number:02}" for number in range(60)))
    collector = bucket.collector(Settle.DELETE, parallel=1)
    items = read_all(collector)
    asked = answer_oddly(collector, "HeadObject", of("", gives=refusal("InternalError", 500)))
    with pytest.raises(CollectError, match="the service failed"):
        collector.settle(items)
    assert len(asked) < 20


def test_a_message_goes_with_its_stored_object_even_where_that_may_not_be_deleted(told: Told):
    told.put("one")
    collector = told.bucket.collector(Settle.DELETE)
    answer_oddly(collector, "DeleteObject", of("", gives=refusal("AccessDenied")))
    with pytest.raises(CollectError, match="s3:DeleteObject"):
        collector.settle(read_all(collector))
    assert (told.left(), told.bucket.names()) == (0, ["in/one"])


# -- moving ----------------------------------------------------------------------------------------


def test_a_moved_object_takes_no_other_ones_place(bucket):
    for number in (b"1", b"2", b"3"):
        bucket.put("in/report.xml", number)
        move(bucket)
    names = bucket.names()
    assert sorted(content(bucket, name) for name in names) == [b"1", b"2", b"3"]
    assert "done/report.xml" in names and all(name.startswith("done/report.xml") for name in names)


def test_what_was_copied_and_not_deleted_is_copied_no_second_time(bucket):
    bucket.put("in/report.xml", b"1")
    bucket.put("done/report.xml", b"1")
    move(bucket)
    assert bucket.names() == ["done/report.xml"]


def test_an_etag_that_does_not_stand_for_the_content_is_not_trusted(bucket):
    for key in ("in/large", "done/large"):
        place = {"Bucket": bucket.source.bucket, "Key": key}
        upload = place | {"UploadId": bucket.client.create_multipart_upload(**place)["UploadId"]}
        etag = bucket.client.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        bucket.client.complete_multipart_upload(**upload, MultipartUpload=parts)
    move(bucket)
    assert len(bucket.names()) == 2 and "in/large" not in bucket.names()


def test_who_may_not_look_into_done_overwrites_nothing_there(bucket):
    bucket.put("in/report.xml", b"2")
    bucket.put("done/report.xml", b"1")
    collector = bucket.collector(Settle.MOVE)
    items = read_all(collector)
    answer_oddly(collector, "ListObjectsV2", lambda path: refusal("AccessDenied"))
    collector.settle(items)
    assert sorted(content(bucket, name) for name in bucket.names()) == [b"1", b"2"]


def test_a_folder_of_the_same_name_is_no_object(bucket):
    bucket.put("in/2", b"2")
    bucket.put("done/2/x", b"x")
    bucket.put("done/2-a", b"x")
    move(bucket)
    assert content(bucket, "done/2") == b"2"
    bucket.put("in/2", b"3")
    move(bucket)
    assert content(bucket, "done/2") == b"2"


def test_an_object_written_anew_while_it_is_moved_stays(bucket):
    bucket.put("in/report.xml", b"1")
    collector = bucket.collector(Settle.MOVE)
    items = read_all(collector)

    def overwrite(path: str) -> None:
        bucket.put("in/report.xml", b"2")

    answer_oddly(collector, "CopyObject", overwrite)
    collector.settle(items)
    assert bucket.names() == ["in/report.xml"]
    assert bucket.reasons() == ["unsettled"]
