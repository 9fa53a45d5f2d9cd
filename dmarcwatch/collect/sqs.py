"""A queue that tells of new objects: asked until it is empty, emptied as objects are settled.

A message is deleted only when everything it tells of is stored, so a run that dies loses nothing:
the message comes back after its visibility timeout, and what is stored by then is known.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dmarcwatch.collect import Memory, Notice, Notify
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.batches import batched
from dmarcwatch.collect.notifications import UnknownMessage, objects_of
from dmarcwatch.collect.objects import StoredObject
from dmarcwatch.text import count

_WAIT_SECONDS = 2
"""Any wait asks all of the queue's servers, none asks a few and may find nothing (long polling)."""
_WAITING: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
"""The queue's attribute: messages that are not under way."""
_AT_ONCE = 10
"""Messages in one request: the service's limit."""


class _Received(NamedTuple):
    id: str
    receipt: str
    body: str


@dataclass(frozen=True, slots=True)
class _Message:
    id: str
    receipt: str
    objects: tuple[StoredObject, ...]
    """Those of this source that may hold a mail."""
    ours: bool
    """False where it tells of anything else as well: then it is not ours to delete."""


class Queue:
    """The notifications of one run, and which of them wait for which objects."""

    def __init__(self, aws: Aws, url: str, *, notify: Notify) -> None:
        self._aws = aws
        self._url = url
        self._notify = notify
        self._waiting: defaultdict[str, set[str]] = defaultdict(set)
        """Receipts of the messages that wait for an object, by its token."""
        self._open: dict[str, int] = {}
        """How many objects a message still waits for, by its receipt."""
        self._memory: Memory | None = None

    def objects(self, memory: Memory, executor: Executor) -> Iterator[StoredObject]:
        """The objects not stored yet that the queue tells of. Raises CollectError."""
        self._memory = memory
        # Messages come back while we are at it, when their visibility timeout is short or reading is slow;
        # once all of them have come in a row with nothing new between them, that is the end.
        met: set[str] = set()
        again = 0
        while (received := self._aws.result(executor.submit(self._receive))) and again <= len(met):
            messages = [self._read(*each) for each in received if each.id not in met]
            again = 0 if messages else again + len(received)
            met.update(message.id for message in messages)
            told = [found for message in messages for found in message.objects]
            tokens = {token for found in told for token in (found.token, found.token_of_ses)}
            stored = memory.seen(sorted(tokens))
            for message in messages:
                yield from self._new_objects(message, stored)
        if met and self._url.endswith(".fifo"):
            self._tell_of_rest()

    def is_new(self, told: str, token: str) -> bool:
        """Whether an object that was told of as `told` and read as `token` is neither stored nor to come.

        SES tells the name of a mail, an event of S3 the ETag: read, both are the same object.
        """
        if token == told:
            return True
        receipts = self._waiting.pop(told, set())
        to_come = token in self._waiting
        for receipt in receipts & self._waiting[token]:  # one message told it in both ways
            if receipt in self._open:
                self._open[receipt] -= 1
        self._waiting[token] |= receipts
        if not to_come and self._memory is not None and self._memory.seen([token]):
            self.settle([token])
            return False
        return not to_come

    def settle(self, tokens: Iterable[str]) -> None:
        """Delete the messages that waited for these objects and for nothing else now."""
        complete = []
        for token in tokens:
            for receipt in self._waiting.pop(token, ()):
                if receipt not in self._open:
                    continue
                self._open[receipt] -= 1
                if not self._open[receipt]:
                    complete.append(receipt)
        self._delete(complete)

    def _new_objects(self, message: _Message, stored: frozenset[str]) -> Iterator[StoredObject]:
        new = {
            found.token: found for found in message.objects if not stored & {found.token, found.token_of_ses}
        }
        if message.ours:
            self._open[message.receipt] = len(new)
        if not new and message.ours:
            self._delete([message.receipt])
        for token, found in new.items():
            asked_for = token in self._waiting
            self._waiting[token].add(message.receipt)
            if not asked_for:  # the same is often told twice
                yield found

    def _receive(self) -> list[_Received]:
        with self._aws.explained():
            told = self._aws.sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_AT_ONCE, WaitTimeSeconds=_WAIT_SECONDS
            )
        return [
            _Received(message["MessageId"], message["ReceiptHandle"], message["Body"])
            for message in told.get("Messages", [])
        ]

    def _read(self, id_: str, receipt: str, body: str) -> _Message:
        source = self._aws.source
        try:
            told = objects_of(body)
        except UnknownMessage:
            self._foreign(f"message {id_} of {self._url} does not tell of an object and stays there")
            return _Message(id_, receipt, (), ours=False)
        ours = all(source.covers(found.bucket, found.key) for found, _ in told)
        if not ours:
            self._foreign(f"message {id_} of {self._url} tells of other places and stays there")
        new = (found for found, written in told if written and source.holds(found.bucket, found.key))
        return _Message(id_, receipt, tuple(found for found in new if found.may_hold_mail), ours)

    def _tell_of_rest(self) -> None:
        """Say what a FIFO queue holds back: of a message group it gives nothing more before the first are
        deleted, which they may be only once they are stored, after this reading.
        """
        from botocore.exceptions import ClientError

        with self._aws.explained():
            try:
                told = self._aws.sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[_WAITING])
            except ClientError:  # a right that reading does without
                text = f"how many messages wait in {self._url} behind those just read may not be asked"
                self._notify(Notice(self._url, "waiting", text, left=False))
                return
        waiting = int(told.get("Attributes", {}).get(_WAITING, "0"))
        if waiting:
            behind = count(waiting, "message waits", "messages wait")
            text = f"{behind} in {self._url} behind those just read; the next run reads on"
            self._notify(Notice(self._url, "waiting", text, left=True))

    def _foreign(self, message: str) -> None:
        self._notify(Notice(self._url, "foreign-message", message, left=False))

    def _delete(self, receipts: list[str]) -> None:
        for receipt in receipts:
            del self._open[receipt]
        for batch in batched(receipts, _AT_ONCE):
            with self._aws.explained():
                self._aws.sqs.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(batch)
                    ],
                )
