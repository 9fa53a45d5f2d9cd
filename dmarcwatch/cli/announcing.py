"""After a fetch: tell what is new. Whatever goes wrong here is said and costs the fetch nothing."""

import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

import click

from dmarcwatch.alerts.message import Message
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.opening import open_store
from dmarcwatch.errors import ConfigError, DmarcwatchError
from dmarcwatch.notify.delivery import need_apprise
from dmarcwatch.notify.rounds import Sent, deliver, look
from dmarcwatch.policy import DmarcRecord
from dmarcwatch.store import announced, outbox
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.lock import only_writer
from dmarcwatch.text import visible


def announce(settings: Settings) -> None:
    """Compare, queue and send, where the configuration names a channel; the exit status stays the fetch's.

    What was fetched is stored by now, so nothing that goes wrong here may end the program, our own mistakes
    included: it is said, and `status` and `metrics` say it until announcing works again.
    """
    if not settings.config.notify.channel:
        return
    try:
        tell_failures(tell_news(settings))
    except DmarcwatchError as error:
        _failed(settings, error.message, error.hint)
    except Exception as error:
        if settings.verbose:
            click.echo(traceback.format_exc(), err=True)
        _failed(
            settings,
            f"a mistake in the program, {_place(error)}: {type(error).__name__}: {error}",
            "What was fetched is stored. Please report this with what -v prints.",
        )


def _failed(settings: Settings, message: str, hint: str) -> None:
    """Say that announcing failed and keep it, where the database takes it."""
    click.echo(f"dmarcwatch: alerts: {visible(message)}", err=True)
    if hint:
        click.echo(f"  {visible(hint)}", err=True)
    with (
        suppress(DmarcwatchError),
        closing(open_store(settings).conn) as connection,
        store_errors(settings.database_path),
        transaction(connection),
    ):
        announced.note_failure(connection, message, settings.now)


def _place(error: Exception) -> str:
    """File and line where it was raised, without folders."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name} line {frame.lineno}"


def tell_news(settings: Settings, *, at_once: bool = False) -> list[Sent]:
    """Queue what is new and send what waits. Raises ConfigError and StoreError.

    A second process that does the same at this moment leaves it to the first.
    """
    notify, path = settings.config.notify, settings.database_path
    with _alone(settings) as alone, closing(open_store(settings).conn) as connection, store_errors(path):
        if not alone:
            return []
        if not look(connection, notify, lambda name: _configured(settings, name), settings.now):
            settings.say("The clock stands before the newest reports: alerts wait until it is right.")
        need_apprise()
        sent = deliver(connection, notify, settings.now, at_once=at_once)
        if announced.trouble(connection) is not None:
            with transaction(connection):
                announced.note_success(connection)
        return sent


def send_digest(settings: Settings, key: str, message: Message) -> list[Sent]:
    """Queue a digest once and send it with what else waits. Raises ConfigError and StoreError."""
    notify, path = settings.config.notify, settings.database_path
    receivers = [channel.name for channel in notify.channel if channel.digest]
    if not receivers:
        raise ConfigError(
            ["No channel is configured that takes digests."],
            hint='In dmarcwatch.toml: [[notify.channel]] with name = "..." and url = { env = "..." }',
        )
    need_apprise()
    with closing(open_store(settings).conn) as connection, _alone(settings) as alone, store_errors(path):
        with transaction(connection):
            if not outbox.queue_digest(connection, key, message, receivers, settings.now):
                settings.say("This digest was queued before; it is not sent to a channel twice.")
        return deliver(connection, notify, settings.now, at_once=True) if alone else []


def _alone(settings: Settings) -> AbstractContextManager[bool]:
    """Whether this process alone sends: nothing is sent twice by two at a time."""
    path = settings.database_path
    return only_writer(path.with_name(f"{path.name}.notify"))


def tell_failures(sent: list[Sent]) -> None:
    """Say on standard error which channels took nothing."""
    for each in sent:
        if each.error is not None:
            click.echo(f"dmarcwatch: the channel {each.channel} took nothing: {each.error}", err=True)


def _configured(settings: Settings, domain: str) -> Mapping[str, str] | None:
    record = settings.config.for_domain(domain).record
    if record is None:
        return None
    try:
        return dict(DmarcRecord.parse(record).tags)
    except ConfigError:
        return None  # the verdict says that it cannot be read
