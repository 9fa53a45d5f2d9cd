"""After a fetch: tell what is new. Whatever goes wrong here is said and costs the fetch nothing."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, closing

import click

from dmarcwatch.alerts.message import Message
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.opening import open_store
from dmarcwatch.errors import ConfigError, DmarcwatchError
from dmarcwatch.notify.delivery import need_apprise
from dmarcwatch.notify.rounds import Sent, deliver, look
from dmarcwatch.policy import DmarcRecord
from dmarcwatch.store import outbox
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.lock import only_writer


def announce(settings: Settings) -> None:
    """Compare, queue and send, where the configuration names a channel; the exit status stays the fetch's."""
    try:
        if settings.config.notify.channel:
            tell_failures(tell_news(settings))
    except DmarcwatchError as error:
        click.echo(f"dmarcwatch: alerts: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)


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
        return deliver(connection, notify, settings.now, at_once=at_once)


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
