"""`dmarcwatch fetch --watch`: wait for news and look again, until somebody ends it."""

import gc
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread
from types import FrameType

from dmarcwatch.cli.announcing import announce
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.reading import fetch_all, print_accounts, tell
from dmarcwatch.collect import Collector, Watcher
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import ImapSource, Source
from dmarcwatch.errors import CollectError
from dmarcwatch.filing import Accounts
from dmarcwatch.ingest import Bounds
from dmarcwatch.store.lock import only_writer

POLL_SECONDS = 300.0
"""Reporters write once a day; five minutes is soon enough where nothing announces news, and after it."""
_BURST_SECONDS = 2.0
"""Mails rarely come alone: those of the next seconds are read in the same round."""
_AWAY_SECONDS = 60.0
"""How long to leave a mail server alone that could not be reached several times in a row."""


def watch_sources(
    settings: Settings,
    sources: tuple[Source, ...],
    *,
    bounds: Callable[[], Bounds],
    as_json: bool,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Fetch, wait, fetch again; SIGTERM and Ctrl-C end it between two rounds or while it waits.

    `bounds` are those of a round that begins now.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        news = _listen_to(sources, poll_seconds)
        while True:
            news.clear()  # before reading, so that what comes meanwhile is not forgotten
            _round(replace(settings), sources, bounds(), as_json=as_json)
            if news.wait(poll_seconds):
                time.sleep(_BURST_SECONDS)
    except KeyboardInterrupt:
        settings.say("Ended.")


def _round(settings: Settings, sources: tuple[Source, ...], bounds: Bounds, *, as_json: bool) -> None:
    with only_writer(settings.database_path) as alone:
        if not alone:
            return
        fetched = fetch_all(settings, sources, bounds)
    tell(fetched.failures)
    announce(settings)
    if fetched.accounts != Accounts():
        print_accounts(fetched.accounts, as_json=as_json)
    # A run sets aside what is there when it begins as never to be looked at; here another run follows.
    gc.unfreeze()
    gc.collect()


def _listen_to(sources: tuple[Source, ...], poll_seconds: float) -> Event:
    """An event that is set whenever a mailbox says that something is new.

    Each mailbox has one connection for it, which stays open to the end of the process; its folder is
    looked at for the first time before anything is read, so that no message comes unnoticed in between.
    """
    news = Event()
    for source in sources:
        if isinstance(source, ImapSource):
            collector = open_source(source)
            with suppress(CollectError):  # the first round meets it again and says so
                _heard(collector, 0)
            Thread(target=_listen, args=(collector, news, poll_seconds), daemon=True).start()
    return news


def _listen(collector: Collector, news: Event, poll_seconds: float) -> None:
    while True:
        try:
            if _heard(collector, poll_seconds):
                news.set()
        except CollectError:
            time.sleep(_AWAY_SECONDS)


def _heard(collector: Collector, seconds: float) -> bool:
    return isinstance(collector, Watcher) and collector.watch(seconds)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
