"""Threads that are all there from the beginning."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier


@contextmanager
def threads(number: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads; what waits for them when the block is left is not begun any more.

    Python waits for ever for a thread that dies of want of memory while it starts, so none is started in
    the middle of a run, when memory may be short.
    """
    executor, ready = ThreadPoolExecutor(number), Barrier(number + 1)
    try:
        for _ in range(number):
            executor.submit(ready.wait)
        ready.wait()
        yield executor
    finally:
        ready.abort()  # lets those go that came too early
        executor.shutdown(cancel_futures=True)
