"""Threads that are all there from the beginning, and that no process waits for at its end."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Found = TypeVar("Found")

_LEAVE_SECONDS = 5.0
"""How long what is under way is waited for when nobody wants it any more."""


class _Threads(Executor):
    """An executor whose threads are daemons: one that waits for a silent service for ever keeps nobody."""

    def __init__(self, number: int) -> None:
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"s3-{each}", daemon=True) for each in range(number)]

    def start(self) -> None:
        """Start all of them."""
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[P, Found], /, *args: P.args, **kwargs: P.kwargs) -> Future[Found]:
        """Have a thread call `fn`."""
        future: Future[Found] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                found = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(found)

        self._tasks.put(call)
        return future

    def leave(self) -> None:
        """Begin nothing more, and wait a little for what is under way."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in self._threads:
            self._tasks.put(None)
        until = monotonic() + _LEAVE_SECONDS
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - monotonic()))

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # what it read is not kept until there is another one


@contextmanager
def threads(number: int) -> Iterator[Executor]:
    """So many threads; what waits for them when the block is left is not begun any more.

    Python waits for ever for a thread that dies of want of memory while it starts, so none is started in
    the middle of a run, when memory may be short.
    """
    executor = _Threads(number)
    try:
        executor.start()
        yield executor
    finally:
        executor.leave()
