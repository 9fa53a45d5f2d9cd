"""New objects as a queue tells of them. The bucket is SeaweedFS; the queue is moto's, as no real one can be had."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from urllib.parse import quote_plus

import pytest

from dmarcwatch.collect.iam import iam_policy
from dmarcwatch.collect.notifications import UnknownMessage, objects_of
from dmarcwatch.collect.sources import S3Source, Settle
from dmarcwatch.errors import CollectError
from dmarcwatch.ingest import Ingest, Kind
from tests.collectors.bucket import Bucket
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_store import answer_oddly, refusal
from tests.collectors.stores import client_of
from tests.database import NOW, fresh, rows, rules


def s3_event(bucket: str, *keys: str, name: str = "ObjectCreated:Put", etag: str = "1") -> dict:
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": name,
                "eventTime": "2026-11-20T08:00:00.000Z",
                "s3": {
                    "bucket": {"name": bucket},
                    "object": {"key": quote_plus(key), "size": 3, "eTag": etag},
                },
            }
            for key in keys
        ]
    }


def through_sns(message: dict) -> dict:
    return {"Type": "Notification", "MessageId": "1", "Message": json.dumps(message)}


def event_bridge(bucket: str, key: str, kind: str = "Object Created") -> dict:
    told = {"key": key, "size": 3, "etag": "1", "sequencer": "00"}
    return {"source": "aws.s3", "detail-type": kind, "detail": {"bucket": {"name": bucket}, "object": told}}


def ses_notification(bucket: str, key: str, message_id: str) -> dict:
    action = {"type": "S3", "bucketName": bucket, "objectKey": key}
    return through_sns(
        {"notificationType": "Received", "receipt": {"action": action}, "mail": {"messageId": message_id}}
    )


# -- what messages say -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        s3_event("b", "in/a b+ü.xml"),
        through_sns(s3_event("b", "in/a b+ü.xml")),
        event_bridge("b", "in/a b+ü.xml"),
        through_sns(event_bridge("b", "in/a b+ü.xml")),
    ],
)
def test_every_way_of_telling_gives_the_same_object(message):
    ((found, written),) = objects_of(json.dumps(message))
    assert written
    assert (found.token, found.url, found.size) == ("b/in/a b+ü.xml 1", "s3://b/in/a b+ü.xml", 3)


def test_ses_itself_tells_of_a_stored_mail():
    ((found, _),) = objects_of(json.dumps(ses_notification("b", "in/0a1b", "0a1b")))
    assert found.token == "b/in/0a1b 0a1b"


@pytest.mark.parametrize(
    "message",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
        through_sns({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
        ses_notification("b", "in/AMAZON_SES_SETUP_NOTIFICATION", "AMAZON_SES_SETUP_NOTIFICATION"),
    ],
)
def test_tests_and_setups_tell_of_nothing(message):
    assert objects_of(json.dumps(message)) == ()


@pytest.mark.parametrize(
    "message",
    [s3_event("b", "in/x", name="ObjectRemoved:Delete"), event_bridge("b", "in/x", kind="Object Deleted")],
)
def test_removals_tell_of_an_object_that_was_not_written(message):
    ((found, written),) = objects_of(json.dumps(message))
    assert (found.url, written) == ("s3://b/in/x", False)


@pytest.mark.parametrize("service", ["minio:s3", "ceph:s3", None])
def test_other_stores_tell_of_objects_too(service):
    (record,) = s3_event("b", "in/x")["Records"]
    record["eventSource"] = service
    if service is None:
        del record["eventSource"]
    ((found, _),) = objects_of(json.dumps({"Records": [record]}))
    assert found.url == "s3://b/in/x"


def spoilt(**changes: object) -> dict:
    """An S3 event with one word of it replaced."""
    (record,) = s3_event("b", "in/x")["Records"]
    for part in (record, record["s3"]["object"], record["s3"]["bucket"]):
        part.update((name, value) for name, value in changes.items() if name in part)
    return {"Records": [record]}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "[" * 100_000,
        [],
        None,
        {},
        {"Records": []},
        {"Records": [{}]},
        {"Type": "Notification"},
        spoilt(size="abc"),
        spoilt(size=True),
        spoilt(size=-1),
        spoilt(key=""),
        spoilt(key=5),
        spoilt(key="in/\ud800"),
        spoilt(eTag=5),
        spoilt(name=None),
        spoilt(name=""),
        spoilt(name="My Bucket!"),
        spoilt(eventName=5),
        spoilt(eventSource="aws:dynamodb"),
        event_bridge("b", 5),
        event_bridge("b", ""),
        ses_notification("b", 5, "0a1b"),
        ses_notification("", "in/x", "0a1b"),
        ses_notification("b", "in/x", ["0a1b"]),
    ],
    ids=lambda message: str(message)[:40],
)
def test_anything_else_is_not_taken_for_one(message):
    with pytest.raises(UnknownMessage):
        objects_of(message if isinstance(message, str) else json.dumps(message))


# -- a queue ---------------------------------------------------------------------------------------


@dataclass
class Told:
    """A bucket with a queue."""

    bucket: Bucket
    address: str
    url: str

    def put(self, *names: str) -> None:
        """Store objects and tell of them in one message."""
        for name in names:
            self.bucket.put(f"in/{name}", name.encode())
        keys = [f"in/{name}" for name in names]
        etag = self.bucket.client.head_object(Bucket=self.bucket.source.bucket, Key=keys[0])["ETag"].strip(
            '"'
        )
        self.send(s3_event(self.bucket.source.bucket, *keys, etag=etag))

    def send(self, *messages: dict | str) -> None:
        with closing(client_of(self.address, service="sqs")) as client:
            for message in messages:
                body = message if isinstance(message, str) else json.dumps(message)
                client.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> int:
        """Messages in the queue, those under way included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with closing(client_of(self.address, service="sqs")) as client:
            told = client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    def wait(self) -> None:
        """Until the messages that a run received and did not delete can be had again."""
        name = "ApproximateNumberOfMessages"
        with closing(client_of(self.address, service="sqs")) as client:
            while not int(
                client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"][name]
            ):
                time.sleep(0.05)


@pytest.fixture
def told(bucket, moto) -> Iterator[Told]:
    with closing(client_of(moto, service="sqs")) as client:
        attributes = {"VisibilityTimeout": "1"}
        url = client.create_queue(QueueName=bucket.source.bucket, Attributes=attributes)["QueueUrl"]
    bucket.source = replace(bucket.source, queue=url, queue_endpoint=moto)
    return Told(bucket, moto, url)


def data(items: list) -> list[str]:
    return sorted(item.data.decode() for item in items)


def test_only_what_the_queue_tells_of_is_read_and_the_message_stays_until_it_is_settled(told):
    told.bucket.put("in/untold", b"untold")
    told.put("one", "two")
    collector = told.bucket.collector()
    items = read_all(collector)
    assert data(items) == ["one", "two"]
    collector.settle(items[:1])
    assert told.left() == 1
    collector.settle(items[1:])
    assert told.left() == 0


def test_the_message_of_an_object_that_holds_no_report_goes_and_the_object_stays(told, tmp_path):
    told.put("lunch")
    collector = told.bucket.collector(Settle.DELETE)
    with fresh(tmp_path / "dmarc.db") as database:
        Ingest(database, rules(), NOW).begin(collector.source, Kind(ses=True, settles=True)).read(collector)
        assert rows(database, "SELECT outcome FROM items") == [("reject",)]
    assert told.left() == 0
    assert told.bucket.names() == ["in/lunch"]


def test_a_run_that_dies_before_settling_loses_nothing_and_the_next_clears_up(told):
    told.put("one")
    memory = RunMemory()
    read_all(told.bucket.collector(), memory)
    told.wait()
    assert read_all(told.bucket.collector(), memory) == []
    assert told.left() == 0


def test_a_run_that_dies_before_storing_is_repeated(told):
    told.put("one")
    read_all(told.bucket.collector())
    told.wait()
    assert data(read_all(told.bucket.collector())) == ["one"]


def test_the_same_told_twice_is_read_once_and_both_messages_go(told):
    told.put("one")
    told.put("one")
    collector = told.bucket.collector()
    items = read_all(collector)
    assert data(items) == ["one"]
    collector.settle(items)
    assert told.left() == 0


def test_messages_that_tell_of_nothing_are_cleared_away(told):
    told.send(
        {"Event": "s3:TestEvent"}, s3_event(told.bucket.source.bucket, "in/AMAZON_SES_SETUP_NOTIFICATION")
    )
    assert read_all(told.bucket.collector()) == []
    assert told.left() == 0


def test_what_is_not_ours_stays_in_the_queue(told):
    removal = s3_event("other-bucket", "in/x", name="ObjectRemoved:Delete")
    stream = {"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": {}}]}
    elsewhere = s3_event(told.bucket.source.bucket, "elsewhere/x")
    told.send("hello", s3_event("other-bucket", "in/x"), elsewhere, removal, stream, {"Records": []})
    assert read_all(told.bucket.collector()) == []
    assert told.left() == 6
    assert told.bucket.reasons() == ["foreign-message"] * 6


def test_what_else_becomes_of_our_objects_is_cleared_away(told):
    name = told.bucket.source.bucket
    told.send(
        s3_event(name, "in/x", name="ObjectRemoved:Delete"), event_bridge(name, "in/x", "Object Deleted")
    )
    told.send(s3_event(name, "in/done/x", name="ObjectCreated:Copy"))
    assert read_all(told.bucket.collector(done="in/done/")) == []
    assert told.left() == 0


@pytest.mark.parametrize("body", ["[" * 100_000, spoilt(size="abc"), spoilt(key="")])
def test_a_message_that_nobody_could_read_holds_up_none_of_the_others(told, body):
    told.send(body)
    told.put("one")
    assert data(read_all(told.bucket.collector())) == ["one"]
    assert told.bucket.reasons() == ["foreign-message"]


def test_an_object_that_is_gone_does_not_keep_its_message(told):
    told.send(s3_event(told.bucket.source.bucket, "in/gone"))
    assert read_all(told.bucket.collector()) == []
    assert told.bucket.reasons() == ["vanished"]
    assert told.left() == 0


def test_many_messages_are_read_in_one_run(told):
    for number in range(25):
        told.put(f"{number:02}")
    collector = told.bucket.collector()
    items = read_all(collector)
    assert len(items) == 25
    collector.settle(items)
    assert told.left() == 0


def test_messages_that_come_back_before_they_are_settled_do_not_hide_the_others(told):
    for number in range(25):
        told.put(f"{number:02}")
    with closing(told.bucket.collector(parallel=1).items(RunMemory())) as items:
        found = []
        for item in items:
            found.append(item.token)
            if len(found) in {8, 18}:
                time.sleep(1.2)  # longer than the queue hides what it handed out
    assert len(found) == len(set(found)) == 25


def test_what_was_told_is_known_when_the_bucket_is_listed_as_a_whole(told):
    told.put("one")
    told.bucket.put("in/untold", b"untold")
    memory = RunMemory()
    read_all(told.bucket.collector(), memory)
    whole = told.bucket.collector(queue=None)
    assert whole.source == told.bucket.collector().source
    assert data(read_all(whole, memory)) == ["untold"]


def test_a_queue_alone_is_a_source(told):
    told.put("one")
    collector = told.bucket.collector(bucket=None, prefix="")
    assert collector.source.startswith("sqs://")
    assert data(read_all(collector)) == ["one"]


def test_settled_objects_are_deleted_with_their_messages(told):
    told.put("one")
    collector = told.bucket.collector(Settle.DELETE)
    collector.settle(read_all(collector))
    assert (told.bucket.names(), told.left()) == ([], 0)


def test_an_object_told_of_by_ses_can_be_settled(told):
    told.bucket.put("in/0a1b", b"mail")
    told.send(ses_notification(told.bucket.source.bucket, "in/0a1b", "0a1b"))
    collector = told.bucket.collector(Settle.DELETE)
    collector.settle(read_all(collector))
    assert told.bucket.names() == []


def test_a_fifo_queue_says_what_it_holds_back_and_the_next_run_reads_on(told, moto):
    name = told.bucket.source.bucket
    with closing(client_of(moto, service="sqs")) as client:
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "30"}
        url = client.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]
        for number in range(12):
            told.bucket.put(f"in/{number:02}", b"x")
            body = json.dumps(s3_event(name, f"in/{number:02}"))
            client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="one")
    memory, read = RunMemory(), []
    for _ in range(2):
        collector = told.bucket.collector(queue=url)
        items = read_all(collector, memory)
        collector.settle(items)
        read.append(len(items))
    assert read == [10, 2]
    ((_, reason, message, left),) = told.bucket.notices
    assert (reason, left) == ("waiting", True)
    assert message.startswith("2 messages wait in ") and message.endswith("the next run reads on")


def told_in_both_ways(told: Told) -> list[dict]:
    """What SES and what S3 say of the same mail."""
    name = told.bucket.source.bucket
    told.bucket.put("in/0a1b", b"mail")
    etag = told.bucket.client.head_object(Bucket=name, Key="in/0a1b")["ETag"].strip('"')
    return [ses_notification(name, "in/0a1b", "0a1b"), s3_event(name, "in/0a1b", etag=etag)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0)])
def test_a_mail_told_of_by_ses_and_by_s3_is_one_item(told, order):
    messages = told_in_both_ways(told)
    told.send(*(messages[which] for which in order))
    collector, memory = told.bucket.collector(), RunMemory()
    items = read_all(collector, memory)
    assert data(items) == ["mail"]
    collector.settle(items)
    assert told.left() == 0
    assert read_all(told.bucket.collector(queue=None), memory) == []


@pytest.mark.parametrize("first", [0, 1])
def test_a_mail_told_of_again_in_the_other_way_is_known(told, first):
    messages, memory = told_in_both_ways(told), RunMemory()
    for message in (messages[first], messages[1 - first]):
        told.send(message)
        collector = told.bucket.collector()
        items = read_all(collector, memory)
        collector.settle(items)
        assert told.left() == 0
    assert items == []


@pytest.mark.parametrize("way", [0, 1, None])
def test_what_an_earlier_version_stored_by_the_name_of_ses_is_known(told, way):
    messages, memory = told_in_both_ways(told), RunMemory()
    memory.tokens.add(f"{told.bucket.source.bucket}/in/0a1b 0a1b")
    changes = {"queue": None} if way is None else {}
    if way is not None:
        told.send(messages[way])
    assert read_all(told.bucket.collector(**changes), memory) == []
    assert told.left() == 0


def test_an_event_without_an_etag_gives_the_token_that_a_listing_gives(told):
    event = s3_event(told.bucket.source.bucket, "in/x")
    del event["Records"][0]["s3"]["object"]["eTag"]
    told.bucket.put("in/x", b"x")
    told.send(event)
    memory = RunMemory()
    assert data(read_all(told.bucket.collector(), memory)) == ["x"]
    assert read_all(told.bucket.collector(queue=None), memory) == []


def test_a_missing_queue_is_an_error(told):
    with pytest.raises(CollectError, match="there is no such queue") as caught:
        read_all(told.bucket.collector(queue=f"{told.url}-missing"))
    assert caught.value.hint


# -- the least rights ------------------------------------------------------------------------------


def statements(source: S3Source) -> dict[str, dict]:
    return {statement["Sid"]: statement for statement in json.loads(iam_policy(source))["Statement"]}


def test_the_policy_for_reading_allows_nothing_else():
    allowed = statements(S3Source("reports", "dmarc/"))
    assert allowed["ListReports"]["Condition"] == {"StringLike": {"s3:prefix": "dmarc/*"}}
    assert allowed["ReadReports"]["Action"] == ["s3:GetObject"]
    assert allowed["ReadReports"]["Resource"] == "arn:aws:s3:::reports/dmarc/*"
    assert set(allowed) == {"ListReports", "ReadReports"}


def test_the_policy_grows_with_what_is_configured():
    queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/reports"
    source = S3Source("reports", region="eu-west-1", queue=queue, settle=Settle.MOVE, done="done/")
    allowed = statements(source)
    assert allowed["ReadReports"]["Action"] == ["s3:GetObject", "s3:DeleteObject"]
    assert allowed["KeepReports"]["Resource"] == "arn:aws:s3:::reports/done/*"
    assert allowed["ReadQueue"]["Resource"] == "arn:aws:sqs:eu-west-1:123456789012:reports"
    assert allowed["ReadQueue"]["Action"] == ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    assert allowed["ListReports"]["Condition"] == {"StringLike": {"s3:prefix": ["*", "done/*"]}}


def test_the_policy_names_the_queue_where_its_url_says_it_is():
    queue = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/reports.fifo"
    allowed = statements(S3Source("reports", queue=queue, settle=Settle.DELETE))
    assert allowed["ReadQueue"]["Resource"] == "arn:aws-cn:sqs:cn-north-1:123456789012:reports.fifo"
    assert "sqs:GetQueueAttributes" in allowed["ReadQueue"]["Action"]
    assert allowed["ReadReports"]["Resource"] == "arn:aws-cn:s3:::reports/*"
    assert "KeepReports" not in allowed


NEEDS = {
    "ListObjectsV2": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "CopyObject": "s3:PutObject",  # and s3:GetObject of what it copies
    "DeleteObject": "s3:DeleteObject",
}
"""Amazon S3 user guide, "Required permissions for Amazon S3 API operations"."""


@pytest.mark.parametrize("settle", [Settle.NOTHING, Settle.DELETE, Settle.MOVE])
@pytest.mark.parametrize("queue", [True, False])
def test_the_policy_allows_what_is_asked_of_the_bucket_and_nothing_else(told, settle, queue):
    told.put("one")
    if queue:
        told.send(s3_event(told.bucket.source.bucket, "in/gone"))
    collector = told.bucket.collector(settle, **({} if queue else {"queue": None}))
    asked = set()
    collector._aws.s3.meta.events.register(
        "before-send.s3", lambda request, event_name, **_: asked.add(event_name)
    )
    answer_oddly(collector, "GetObject", lambda path: refusal("AccessDenied") if "gone" in path else None)
    collector.settle(read_all(collector))
    used = {NEEDS[name.rpartition(".")[2]] for name in asked}
    allowed = {action for each in statements(collector._source).values() for action in listed(each["Action"])}
    assert {action for action in allowed if action.startswith("s3:")} == used


def listed(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions


def test_an_object_that_is_gone_goes_from_the_queue_though_s3_calls_it_forbidden(told):
    told.send(s3_event(told.bucket.source.bucket, "in/gone"))
    collector = told.bucket.collector()
    answer_oddly(collector, "GetObject", lambda path: refusal("AccessDenied"))
    assert read_all(collector) == []
    assert (told.bucket.reasons(), told.left()) == (["vanished"], 0)
