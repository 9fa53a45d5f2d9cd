"""The domain's own mail of the window in one pot, gone through once for all gates that read a part of it."""

from collections.abc import Mapping

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

    def add(self, day: int, cell: DayCell, *, mended: int) -> None:
        """Count a stream's day, `mended` of its failing messages left out of the rates."""
        messages, failing = cell.messages - mended, cell.failing - mended
        if cell.doubted_by:
            self.doubts[len(self.cells)] = (day, cell)
        self.cells.append(bounds.Cell(messages, failing))
        before = self.days.get(day, (0, 0))
        self.days[day] = (before[0] + messages, before[1] + failing)
        add_to(self.reporters, cell.reporters)
        if cell.failed_by:
            add_to(self.failed_by, cell.failed_by)


def add_to(sums: dict[str, int], more: Mapping[str, int]) -> None:
    """Add numbers by name to running sums."""
    for name, number in more.items():
        sums[name] = sums.get(name, 0) + number
