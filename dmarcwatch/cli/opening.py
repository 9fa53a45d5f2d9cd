"""What commands open: the database and, for reading, all that `fetch` needs."""

import sqlite3
from difflib import get_close_matches
from pathlib import Path

from sqlite_utils import Database

from dmarcwatch.check.keys import arrival_verifier
from dmarcwatch.check.trusting import Trust
from dmarcwatch.classify import Classifier, no_ptr
from dmarcwatch.cli.context import Settings
from dmarcwatch.config import General, VerifyDkim
from dmarcwatch.errors import ConfigError
from dmarcwatch.filing import Rules
from dmarcwatch.judging import Court
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import open_database
from dmarcwatch.store.histories import domains
from dmarcwatch.store.operators import host_of, knows_hosts
from dmarcwatch.trust import MailHost, known_reporters


def open_store(settings: Settings, *, create: bool = False) -> Database:
    """The database, migrated. Raises StoreError."""
    return open_database(settings.database_path, create=create)


def known_domain(connection: sqlite3.Connection, name: str) -> str:
    """The policy domain that a user named. Raises ConfigError for one without reports, naming near ones."""
    domain, known = name.rstrip(".").lower(), domains(connection)
    if domain in known:
        return domain
    near = get_close_matches(domain, known, n=3, cutoff=0.6)
    hint = f"Near it: {', '.join(near)}." if near else f"{len(known)} domains are known; see `verdict --all`."
    raise ConfigError([f"No report has spoken of {domain}."], hint=hint)


def load_senders(settings: Settings) -> Senders:
    """The packaged senders with the user's own laid over them. Raises ConfigError."""
    overlay = settings.config.general.senders
    return Senders.load() if overlay is None else Senders.load(_text(overlay), file=str(overlay))


def load_court(settings: Settings) -> Court:
    """How this configuration judges. Raises ConfigError."""
    return Court(settings.config, load_senders(settings), settings.now)


def load_rules(settings: Settings, database: Database) -> Rules:
    """How this configuration reads items; host names that `check` confirmed name senders, too.

    Raises ConfigError.
    """
    general = settings.config.general
    senders = load_senders(settings)
    ptr = host_of(database.conn) if knows_hosts(database.conn) else no_ptr
    classifier = Classifier(senders, own_tenants=frozenset(general.own_tenants), ptr=ptr)
    return Rules(
        senders=senders,
        classify=classifier.classify,
        trust=_trust(general),
        budgets=settings.config.budgets,
        is_ours=settings.config.is_ours,
        keep_raw=general.keep_raw,
        redact=general.redact_failure_reports,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"], hint="Check `senders`.") from None


def _trust(general: General) -> Trust:
    host = MailHost(general.authserv_ids, microsoft=general.microsoft_mailbox)
    asks = general.verify_dkim is not VerifyDkim.NEVER
    return Trust(known_reporters(), host, arrival_verifier() if asks else None)
