"""The domain's own mail of the window in one pot, gone through once for all gates that read a part of it."""

from collections.abc import Mapping, Sequence

from dmarcwatch import bounds
from dmarcwatch.readiness.timeline import DayCell


class Window:
    """Own mail of some days, cell by cell and summed; streams are added day by day."""

    def __init__(self) -> None:
        self.cells: list[bounds.Cell] = []
        """Messages and failing ones, those of mended faults left out."""
        self.doubts: dict[int, tuple[int, DayCell]] = {}
        """Index of a cell -> the day and stream whose messages are in part doubtful and do not fail."""
        self.days: dict[int, tuple[int, int]] = {}
        self.reporters: dict[str, int] = {}
        self.failed_by: dict[str, int] = {}

    def add(self, days: Sequence[tuple[int, DayCell]], *, since: int) -> None:
        """Count a stream's days; what failed before `since` was mended and is left out of the rates."""
        for day, cell in days:
            messages, failing = cell.messages, cell.failing
            if failing:
                add_to(self.failed_by, cell.failed_by)
                if day < since:
                    messages, failing = messages - failing, 0
            if cell.doubted_by:
                self.doubts[len(self.cells)] = (day, cell)
            self.cells.append(bounds.Cell(messages, failing))
            before = self.days.get(day)
            self.days[day] = (before[0] + messages, before[1] + failing) if before else (messages, failing)
            add_to(self.reporters, cell.reporters)


def add_to(sums: dict[str, int], more: Mapping[str, int]) -> None:
    """Add numbers by name to running sums."""
    for name, number in more.items():
        sums[name] = sums.get(name, 0) + number
