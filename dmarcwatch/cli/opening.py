"""What commands open: the database and, for reading, all that `fetch` needs."""

from pathlib import Path

from sqlite_utils import Database

from dmarcwatch.cli.context import Settings
from dmarcwatch.errors import ConfigError
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import open_database


def open_store(settings: Settings, *, create: bool = False) -> Database:
    """The database, migrated. Raises StoreError."""
    return open_database(settings.database_path, create=create)


def load_senders(settings: Settings) -> Senders:
    """The packaged senders with the user's own laid over them. Raises ConfigError."""
    overlay = settings.config.general.senders
    return Senders.load() if overlay is None else Senders.load(_text(overlay))


def load_rules(settings: Settings) -> Rules:
    """How this configuration reads items. Raises ConfigError."""
    general = settings.config.general
    senders = load_senders(settings)
    classifier = Classifier(senders, own_tenants=frozenset(general.own_tenants))
    return Rules(
        senders=senders,
        classify=classifier.classify,
        trust=make_trust(general),
        budgets=settings.config.budgets,
        is_ours=settings.config.is_ours,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"], hint="Check `senders`.") from None
