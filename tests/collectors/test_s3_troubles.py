"""One object that cannot be read hides none behind it; what befalls all of them ends the run soon."""

import pytest

from dmarcwatch.errors import CollectError
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_store import TIMEOUT, answer_oddly, refusal
from tests.collectors.test_sqs import Told, data, s3_event, told

__all__ = ["told"]


def fill(bucket, *names: str) -> None:
    for name in names:
        bucket.put(f"in/{name}", name.encode())


def of(*names: str, gives):
    """An answer about objects whose names begin so."""
    return lambda path: gives if path.rpartition("/")[2].startswith(names) else None


def read_until_it_ends(collector, memory: RunMemory) -> tuple[list[str], CollectError | None]:
    """What was read and committed, and how the run ended."""
    found, ended = [], None
    try:
        for item in collector.items(memory):
            memory.commit([item])
            found.append(item.data.decode())
    except CollectError as error:
        ended = error
    memory.commit([])
    return sorted(found), ended


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("KMS.KMSInvalidStateException", 400),
        ("KMS.DisabledException", 400),
        ("KeyUnavailableException", 400),
        ("InvalidRequest", 400),  # encrypted with a key of the customer's (SSE-C)
        ("KeyTooLongError", 400),
    ],
)
def test_an_object_that_the_service_will_not_give_is_left_and_the_others_are_read(bucket, code, status):
    fill(bucket, "1", "2", "3")
    collector = bucket.collector()
    answer_oddly(collector, "GetObject", of("2", gives=refusal(code, status)))
    assert data(read_all(collector)) == ["1", "3"]
    ((origin, _, message, left),) = bucket.notices
    assert (origin.endswith("/in/2"), code in message, left) == (True, True, True)


@pytest.mark.parametrize("gives", [refusal("InternalError", 500), refusal("SlowDownRead", 503), TIMEOUT])
@pytest.mark.parametrize("parallel", [1, 32])
def test_an_object_that_always_fails_is_left_and_the_run_ends_as_failed(bucket, gives, parallel):
    fill(bucket, "1", "2", "3")
    collector = bucket.collector(parallel=parallel)
    answer_oddly(collector, "GetObject", of("2", gives=gives))
    read, error = read_until_it_ends(collector, RunMemory())
    assert read == ["1", "3"]
    assert "1 object waits for the next run" in error.message and error.hint
    assert [(notice.reason, notice.left) for notice in bucket.notices] == [("failing", True)]


def test_a_service_that_fails_for_every_object_is_asked_for_a_few(bucket):
    fill(bucket, *(f"{number:02}" for number in range(60)))
    collector = bucket.collector(parallel=1)
    asked = answer_oddly(collector, "GetObject", of("", gives=refusal("InternalError", 500)))
    read, error = read_until_it_ends(collector, RunMemory())
    assert (read, len(asked) < 15) == ([], True)
    assert "the service failed (InternalError)" in error.message


@pytest.mark.parametrize("code", ["SlowDown", "ThrottlingException", "ExpiredToken", "RequestTimeTooSkewed"])
def test_what_befalls_every_request_ends_the_run_at_once(bucket, code):
    fill(bucket, *(f"{number:02}" for number in range(60)))
    collector = bucket.collector(parallel=1)
    status = 503 if code == "SlowDown" else 400
    asked = answer_oddly(collector, "GetObject", of("", gives=refusal(code, status)))
    read, error = read_until_it_ends(collector, RunMemory())
    assert (read, len(asked) < 5, bool(error.hint)) == ([], True, True)


# -- refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", [1, 32])
def test_refused_objects_do_not_hide_the_good_ones_behind_them(bucket, parallel):
    fill(bucket, *(f"a{number:02}" for number in range(70)), "z1", "z2")
    collector = bucket.collector(parallel=parallel)
    answer_oddly(collector, "GetObject", of("a", gives=refusal("AccessDenied")))
    assert data(read_all(collector)) == ["z1", "z2"]
    assert bucket.reasons() == ["denied"] * 70


def test_refused_objects_behind_a_good_one_are_left_each(bucket):
    fill(bucket, "1", *(f"a{number:02}" for number in range(70)))
    collector = bucket.collector(parallel=1)
    answer_oddly(collector, "GetObject", of("a", gives=refusal("AccessDenied")))
    assert data(read_all(collector)) == ["1"]
    assert sum(notice.left for notice in bucket.notices) == 70


def test_where_earlier_runs_could_read_it_is_not_said_that_nothing_may_be_read(bucket):
    fill(bucket, "z1", *(f"a{number:02}" for number in range(12)))
    memory = RunMemory()
    for _ in range(2):
        collector = bucket.collector()
        answer_oddly(collector, "GetObject", of("a", gives=refusal("AccessDenied")))
        _, error = read_until_it_ends(collector, memory)
        assert (error, bucket.reasons()) == (None, ["denied"] * 12)
        bucket.notices.clear()


def test_where_none_of_what_was_read_is_there_many_refusals_are_an_error_about_what_is_new(bucket):
    fill(bucket, *(f"a{number:02}" for number in range(12)))
    memory = RunMemory()
    memory.written = "readable"
    collector = bucket.collector()
    answer_oddly(collector, "GetObject", of("a", gives=refusal("AccessDenied")))
    _, error = read_until_it_ends(collector, memory)
    assert "its new objects may not be read, none of 12 tried" in error.message


def test_permission_that_is_missing_is_one_error_and_no_notice_for_each_object(bucket):
    fill(bucket, *(f"{number:02}" for number in range(60)))
    collector = bucket.collector()
    answer_oddly(collector, "GetObject", of("", gives=refusal("AccessDenied")))
    read, error = read_until_it_ends(collector, RunMemory())
    assert (read, bucket.notices) == ([], [])
    assert "its objects may not be read, none of 60 tried" in error.message


# -- told of by a queue ----------------------------------------------------------------------------


def test_a_bucket_that_is_gone_is_not_the_end_of_a_queue_that_tells_of_it(told: Told):
    told.send(s3_event("reports-gone", "in/x"))
    told.put("one")
    collector = told.bucket.collector(bucket=None, prefix="")
    assert data(read_all(collector)) == ["one"]
    ((origin, reason, _, left),) = told.bucket.notices
    assert (origin, reason, left) == ("s3://reports-gone/in/x", "unreadable", True)
    assert told.left() == 2, "the endpoint may be the wrong one, so the message stays"


def test_a_bucket_that_boto_has_no_address_for_is_not_the_end_of_a_queue(told: Told):
    told.send(s3_event("..", "in/x"))
    told.put("one")
    assert data(read_all(told.bucket.collector(bucket=None, prefix=""))) == ["one"]
    assert [notice.left for notice in told.bucket.notices] == [True]
