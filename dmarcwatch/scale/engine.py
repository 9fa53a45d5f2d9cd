"""What carries out tasks, on one machine or on many: the job knows no more of it than this."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from dmarcwatch.errors import DmarcwatchError

Task = TypeVar("Task")
Result = TypeVar("Result")


class EngineError(DmarcwatchError):
    """The cluster is gone or cannot be used; what was done is kept, and the next run goes on from there."""

    exit_status = 4


class Engine(Protocol):
    """Carries out the same function for many tasks."""

    def run(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[Task, Result | Exception]]:
        """Each task with its result or what it raised, as they end; few tasks are taken ahead.

        A task whose worker ends is tried again elsewhere, and one that ends every worker comes back with an
        exception. Raises EngineError where no task can be carried out any more.
        """


class InProcess:
    """Carries out one task after the other in this process."""

    def run(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[Task, Result | Exception]]:
        """Each task with its result or what it raised, in their order."""
        for task in tasks:
            try:
                yield task, function(task)
            except Exception as error:
                yield task, error
