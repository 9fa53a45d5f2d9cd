"""Objects of a bucket: mails that SES inbound stored, and files that somebody put there.

An object is remembered by its key and ETag. New ones are found by listing the whole prefix, or told
by a queue; many are read at once, because each is small and far away.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from itertools import chain

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Memory, Notice, Notify, unheard
from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.aws_errors import Failing
from dmarcwatch.collect.batches import ASKED_AT_ONCE, batched
from dmarcwatch.collect.listing import pages
from dmarcwatch.collect.objects import StoredObject, read_object
from dmarcwatch.collect.s3_settling import settle_objects
from dmarcwatch.collect.s3_troubles import Troubles
from dmarcwatch.collect.sources import S3Source, Settle
from dmarcwatch.collect.sqs import Queue
from dmarcwatch.collect.threads import threads

_AHEAD_BYTES = 64 * 1024 * 1024
"""Objects read ahead of the one that is handed over, unless a single one is larger."""
_READABLE = "readable"
"""The position once an object was read: then a refused one is an exception."""


class S3Collector:
    """The objects under a prefix, or those that a queue tells of."""

    def __init__(
        self,
        source: S3Source,
        *,
        budgets: Budgets | None = None,
        notify: Notify = unheard,
        deadline: float | None = None,
    ) -> None:
        """`deadline` by time.monotonic(): a service that answers for ever holds the run up no longer."""
        self._source = source
        self._budgets = budgets or Budgets()
        self._notify = notify
        self._aws = Aws(source, deadline=deadline)
        self._queue = Queue(self._aws, source.queue, notify=notify) if source.queue else None
        self._executor: Executor | None = None
        self._known: StoredObject | None = None
        """One that an earlier run has stored."""

    @property
    def source(self) -> str:
        """Bucket and prefix, or the queue, as a URL."""
        return self._source.name

    @property
    def local(self) -> bool:
        """False unless configured otherwise: what SES stores comes from anybody."""
        return self._source.trusted

    def items(self, memory: Memory) -> Iterator[Item]:
        """New objects, in no order: SES's names are random."""
        proven = memory.position() == _READABLE
        with threads(self._source.parallel) as executor:
            troubles = Troubles(
                self.source,
                self._notify,
                proven=proven,
                still_readable=partial(self._still_readable, executor),
            )
            self._executor = executor
            try:
                for item in self._read(self._new(memory, executor), executor, troubles):
                    yield item
                    if not proven:
                        memory.advance(_READABLE)
                        proven = True
                troubles.end()
            finally:
                self._executor = None

    def settle(self, items: Sequence[Item]) -> None:
        """Move or delete the objects, as configured, and acknowledge them in any case.

        All are stored: what cannot be settled keeps no message in the queue, since the database remembers
        what is left to do. Raises the first CollectError once there is nothing more that can be done.
        """
        error = None
        if self._source.settle is not Settle.NOTHING:
            with self._threads() as executor:
                error = settle_objects(self._aws, items, executor, self._notify)
        try:
            self.acknowledge(items)
        finally:
            if error is not None:
                raise error

    @contextmanager
    def _threads(self) -> Iterator[Executor]:
        """Those that read, while they do."""
        if self._executor is not None:
            yield self._executor
            return
        with threads(self._source.parallel) as executor:
            yield executor

    def acknowledge(self, items: Sequence[Item]) -> None:
        """Delete the messages of the queue that told of these objects and of nothing else now."""
        if self._queue is not None:
            self._queue.settle(item.token for item in items)

    def close(self) -> None:
        """Let go of the connections."""
        self._aws.close()

    def _new(self, memory: Memory, executor: Executor) -> Iterator[StoredObject]:
        if self._queue is not None:
            return self._queue.objects(memory, executor)
        assert self._source.bucket is not None
        listed = chain.from_iterable(pages(self._aws, self._source.bucket, self._source.prefix, executor))
        wanted = (
            found for found in listed if found.may_hold_mail and self._source.holds(found.bucket, found.key)
        )
        return self._unseen(wanted, memory)

    def _unseen(self, listed: Iterable[StoredObject], memory: Memory) -> Iterator[StoredObject]:
        """Those not stored yet; one of the others is kept in mind."""
        for batch in batched(listed, ASKED_AT_ONCE):
            seen = memory.seen([found.token for found in batch])
            new = [found for found in batch if found.token not in seen]
            seen |= memory.seen([found.token_of_ses for found in new])
            for found in batch:
                if not seen & {found.token, found.token_of_ses}:
                    yield found
                elif self._known is None:
                    self._known = found

    def _still_readable(self, executor: Executor) -> bool:
        """Whether an object of earlier runs may still be read; False where none of them is there."""
        if self._known is None:
            return False
        outcome = self._aws.result(executor.submit(read_object, self._aws, self._known, self._budgets))
        return isinstance(outcome, Item)

    def _read(self, new: Iterable[StoredObject], executor: Executor, troubles: Troubles) -> Iterator[Item]:
        """The items of objects, read ahead within bounds of number and bytes."""
        under_way: deque[tuple[StoredObject, Future[Item | Notice]]] = deque()
        held = 0
        for found in new:
            cost = self._cost(found)
            while under_way and (len(under_way) == 2 * self._source.parallel or held + cost > _AHEAD_BYTES):
                first, future = under_way.popleft()
                held -= self._cost(first)
                yield from self._outcome(first, future, troubles)
            under_way.append((found, executor.submit(read_object, self._aws, found, self._budgets)))
            held += cost
        for found, future in under_way:
            yield from self._outcome(found, future, troubles)

    def _cost(self, found: StoredObject) -> int:
        limit = self._budgets.max_message_bytes
        return limit if found.size is None else min(found.size, limit)

    def _outcome(
        self, found: StoredObject, future: Future[Item | Notice], troubles: Troubles
    ) -> Iterator[Item]:
        try:
            outcome = self._aws.result(future)
        except Failing as error:
            troubles.failed(found.url, error)
            return
        if isinstance(outcome, Item):
            troubles.read()
            if self._queue is None or self._queue.is_new(found.token, outcome.token):
                yield outcome
            return
        troubles.noticed(outcome)
        if outcome.reason == "vanished" and self._queue is not None:
            self._queue.settle([found.token])
