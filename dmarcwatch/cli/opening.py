"""What commands open: the database and, for reading, all that `fetch` needs."""

import sqlite3
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from dmarcwatch.check.keys import arrival_verifier
from dmarcwatch.check.trusting import Trust
from dmarcwatch.classify import Classifier, no_ptr
from dmarcwatch.cli.context import Settings
from dmarcwatch.config import Config, General, VerifyDkim
from dmarcwatch.domains import normal_domain
from dmarcwatch.errors import ConfigError
from dmarcwatch.ingest import Plan
from dmarcwatch.judging import Court
from dmarcwatch.preparing import Rules
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import open_database
from dmarcwatch.store.histories import domains
from dmarcwatch.store.operators import host_of, knows_hosts
from dmarcwatch.trust import MailHost, known_reporters
from dmarcwatch.workers import usual_workers


def open_store(settings: Settings, *, create: bool = False) -> Database:
    """The database, migrated. Raises StoreError."""
    return open_database(settings.database_path, create=create)


def known_domain(connection: sqlite3.Connection, name: str) -> str:
    """The policy domain that a user named. Raises ConfigError for one without reports, naming near ones."""
    domain, known = normal_domain(name) or name, domains(connection)
    if domain in known:
        return domain
    near = get_close_matches(domain, known, n=3, cutoff=0.6)
    hint = f"Near it: {', '.join(near)}." if near else f"{len(known)} domains are known; see `verdict --all`."
    raise ConfigError([f"No report has spoken of {domain}."], hint=hint)


def load_senders(config: Config) -> Senders:
    """The packaged senders with the user's own laid over them. Raises ConfigError."""
    overlay = config.general.senders
    return Senders.load() if overlay is None else Senders.load(_text(overlay), file=str(overlay))


def load_court(settings: Settings) -> Court:
    """How this configuration judges. Raises ConfigError."""
    return Court(settings.config, load_senders(settings.config), settings.now)


def load_rules(settings: Settings, database: Database) -> Rules:
    """How this configuration reads items; host names that `check` confirmed name senders, too.

    Raises ConfigError.
    """
    return _rules(settings.config, load_senders(settings.config), database.conn)


def load_plan(settings: Settings) -> Plan | None:
    """How many processes read ahead in large runs, None for one alone."""
    wanted = settings.config.general.workers
    count = usual_workers() if wanted is None else wanted
    return Plan(count, partial(_rules_elsewhere, settings.config, settings.database_path)) if count else None


def _rules_elsewhere(config: Config, database: Path) -> Rules:
    """The same rules in another process."""
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    return _rules(config, load_senders(config), connection)


def _rules(config: Config, senders: Senders, connection: sqlite3.Connection) -> Rules:
    general = config.general
    ptr = host_of(connection) if knows_hosts(connection) else no_ptr
    classifier = Classifier(senders, own_tenants=frozenset(general.own_tenants), ptr=ptr)
    return Rules(
        senders=senders,
        classify=classifier.classify,
        trust=_trust(general),
        budgets=config.budgets,
        is_ours=config.is_ours,
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
