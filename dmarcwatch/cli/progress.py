"""Progress on a terminal; nothing under cron."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dmarcwatch.cli.context import Settings
from dmarcwatch.filing import Accounts


@contextmanager
def progress(settings: Settings) -> Iterator[Callable[[Accounts], None]]:
    """What to call with the accounts so far; draws only where a person looks on."""
    if settings.quiet or not sys.stderr.isatty():
        yield lambda accounts: None
        return
    # Loaded here, because it costs a tenth of a second that cron's runs need not pay.
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def show(accounts: Accounts) -> None:
            text = f"{accounts.items:,} items, {accounts.reports:,} reports, {accounts.records:,} records"
            bar.update(task, description=text)

        yield show
