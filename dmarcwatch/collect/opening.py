"""From a source's description to its collector."""

import sys
from contextlib import nullcontext

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Collector, Notify, unheard
from dmarcwatch.collect.files import FileCollector, StreamCollector
from dmarcwatch.collect.maildir import MaildirCollector, is_maildir
from dmarcwatch.collect.sources import FileSource, Settle, Source, StdinSource, printable
from dmarcwatch.errors import ConfigError


def open_source(source: Source, *, budgets: Budgets | None = None, notify: Notify = unheard) -> Collector:
    """The collector for a source. Nothing is connected or read yet.

    Raises ConfigError where the source cannot do what is asked of it.
    """
    budgets = budgets or Budgets()
    match source:
        case StdinSource():
            return StreamCollector(lambda: nullcontext(sys.stdin.buffer), source.name, budgets=budgets)
        case FileSource():
            return _open_path(source, budgets, notify)
        case _:
            raise NotImplementedError


def _open_path(source: FileSource, budgets: Budgets, notify: Notify) -> Collector:
    path = source.path
    if is_maildir(path):
        return MaildirCollector(source, budgets=budgets, notify=notify)
    if source.settle is Settle.SEEN:
        raise ConfigError([f"{printable(path)}: files cannot be marked as seen, only mails of a Maildir"])
    if path.is_fifo() or path.is_char_device():
        # `dmarcwatch fetch <(gpg -d reports.xml.gpg)` in a shell.
        return StreamCollector(lambda: path.open("rb"), source.name, budgets=budgets)
    return FileCollector(source, budgets=budgets, notify=notify)
