"""A Dask scheduler and its workers as programs of their own, as a user's cluster has them."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.collectors.servers import free_port, running


@contextmanager
def scheduler_and_workers(folder: Path, port: int, *, workers: int) -> Iterator[str]:
    """Started in turn; the scheduler's address."""
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        log = folder / "scheduler.log"
        program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
        command = [*program, "--port", str(port), "--no-dashboard", "--pid-file", str(folder / "pid")]
        stack.enter_context(running(command, ready=lambda: said(log, "Scheduler at:"), log=log))
        for number in range(workers):
            log = folder / f"worker{number}.log"
            program = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
            command = [*program, "--no-dashboard", "--local-directory", str(folder), "--death-timeout", "20"]
            stack.enter_context(
                running(command, ready=lambda log=log: said(log, "Starting established"), log=log)
            )
        yield address


def said(log: Path, words: str) -> bool:
    return log.exists() and words in log.read_text()


__all__ = ["free_port", "os", "scheduler_and_workers"]
