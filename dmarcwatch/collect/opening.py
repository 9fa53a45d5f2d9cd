"""From a source's description to its collector."""

import sys
from collections.abc import Callable
from contextlib import nullcontext

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Collector, Notify, unheard
from dmarcwatch.collect.files import FileCollector, StreamCollector
from dmarcwatch.collect.imap import ImapCollector
from dmarcwatch.collect.maildir import MaildirCollector, is_maildir
from dmarcwatch.collect.oauth import SignIn, token_source
from dmarcwatch.collect.s3 import S3Collector
from dmarcwatch.collect.sources import (
    FileSource,
    ImapSource,
    S3Source,
    Settle,
    Source,
    StdinSource,
    printable,
)
from dmarcwatch.errors import CollectError, ConfigError


def open_source(
    source: Source,
    *,
    budgets: Budgets | None = None,
    notify: Notify = unheard,
    sign_in: SignIn | None = None,
    deadline: float | None = None,
) -> Collector:
    """The collector for a source. Nothing is connected or read yet.

    At `deadline` (`time.monotonic`, in seconds) a server is not waited for any longer.

    `sign_in` shows a person where to sign in; leave it out where nobody is there to read it. Raises
    ConfigError where the source cannot do what is asked of it.
    """
    budgets = budgets or Budgets()
    match source:
        case StdinSource():
            return StreamCollector(lambda: nullcontext(sys.stdin.buffer), source.name, budgets=budgets)
        case FileSource():
            return _open_path(source, budgets, notify)
        case ImapSource():
            return ImapCollector(
                source, _secret(source, sign_in), budgets=budgets, notify=notify, deadline=deadline
            )
        case S3Source():
            return S3Collector(source, budgets=budgets, notify=notify, deadline=deadline)


def _open_path(source: FileSource, budgets: Budgets, notify: Notify) -> Collector:
    path = source.path
    if is_maildir(path):
        return MaildirCollector(source, budgets=budgets, notify=notify)
    if source.settle is Settle.SEEN and path.exists():
        raise ConfigError([f"{printable(path)}: files cannot be marked as seen, only mails of a Maildir"])
    if path.is_fifo() or path.is_char_device():
        # `dmarcwatch fetch <(gpg -d reports.xml.gpg)` in a shell.
        return StreamCollector(lambda: path.open("rb"), source.name, budgets=budgets)
    return FileCollector(source, budgets=budgets, notify=notify)


def _secret(source: ImapSource, sign_in: SignIn | None) -> Callable[[], str]:
    resolve = source.password.resolve if source.password is not None else token_source(source, sign_in)

    def named() -> str:
        try:
            return resolve()
        except CollectError as error:
            if error.message.startswith(source.name):
                raise
            raise CollectError(f"{source.name}: {error.message}", hint=error.hint) from None

    return named
