"""`dmarcwatch fetch --watch`: wait for news and look again, until somebody ends it."""

import signal
import time
from contextlib import closing
from dataclasses import replace
from types import FrameType

import click

from dmarcwatch.cli.announcing import announce
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.reading import fetch_all, sentence, tell
from dmarcwatch.collect import Watcher
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import ImapSource, Source
from dmarcwatch.errors import CollectError
from dmarcwatch.filing import Accounts
from dmarcwatch.store.lock import only_writer

POLL_SECONDS = 300.0
"""Reporters write once a day; five minutes is soon enough where nothing announces news, and after it."""


def watch_sources(settings: Settings, sources: tuple[Source, ...]) -> None:
    """Fetch, wait, fetch again; SIGTERM and Ctrl-C end it between two rounds or while it waits."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        while True:
            _round(replace(settings), sources)
            _wait(sources)
    except KeyboardInterrupt:
        settings.say("Ended.")


def _round(settings: Settings, sources: tuple[Source, ...]) -> None:
    with only_writer(settings.database_path) as alone:
        if not alone:
            return
        fetched = fetch_all(settings, sources)
    tell(fetched.failures)
    announce(settings)
    if fetched.accounts != Accounts():
        click.echo(sentence(fetched.accounts))


def _wait(sources: tuple[Source, ...]) -> None:
    """Until a mailbox says that something is new, where only one is watched; at most the poll's time."""
    if len(sources) == 1 and isinstance(sources[0], ImapSource):
        try:
            with closing(open_source(sources[0])) as collector:
                if isinstance(collector, Watcher) and collector.watch(POLL_SECONDS):
                    return
        except CollectError:
            pass  # the next round meets it again and says so
        else:
            return
    time.sleep(POLL_SECONDS)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
