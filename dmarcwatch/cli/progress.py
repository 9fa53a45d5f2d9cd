"""Progress on a terminal; nothing under cron."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from dmarcwatch.cli.context import Settings
from dmarcwatch.collect import Collector, Counted
from dmarcwatch.filing import Accounts
from dmarcwatch.text import count


class Bar:
    """What one source has brought so far, drawn where a person looks on."""

    def __init__(self, drawn: Any = None) -> None:
        self._drawn = drawn
        """A rich.progress.Progress, None where nobody looks."""
        self._task = None if drawn is None else drawn.add_task("Reading", total=None)
        self._collector: Collector | None = None
        self._begun = monotonic()

    def reading(self, collector: Collector) -> None:
        """Begin anew with another source."""
        self._collector = collector
        self._begun = monotonic()

    def show(self, accounts: Accounts) -> None:
        """Draw the accounts so far."""
        if self._drawn is None:
            return
        expected = self._collector.expected if isinstance(self._collector, Counted) else None
        text = progress_line(accounts, seconds=monotonic() - self._begun, expected=expected)
        self._drawn.update(self._task, description=text)


@contextmanager
def progress(settings: Settings) -> Iterator[Bar]:
    """A bar on a terminal; without one, or with --quiet, one that draws nothing."""
    if settings.quiet or not sys.stderr.isatty():
        yield Bar()
        return
    # Loaded here, because it costs a tenth of a second that cron's runs need not pay.
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        yield Bar(drawn)


def progress_line(accounts: Accounts, *, seconds: float, expected: int | None) -> str:
    """Items and reports, the rate, and the time left where the source said how much there is."""
    items = accounts.items
    whole = f" of {expected:,}" if expected is not None and expected >= items else ""
    found = f"{items:,}{whole} items" if whole else count(items, "item")
    parts = [found, count(accounts.reports, "report")]
    if items and seconds > 0:
        parts.append(f"{items / seconds:,.0f} a second")
        if whole and expected is not None:
            minutes, left = divmod(round((expected - items) * seconds / items), 60)
            parts.append(f"{minutes}:{left:02} left")
    return ", ".join(parts)
