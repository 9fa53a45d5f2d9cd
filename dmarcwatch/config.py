"""`dmarcwatch.toml`: sources, domains, and the answers only the user has, all mistakes named at once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect.sources import FileSource, ImapSource, S3Source, Source
from dmarcwatch.domains import normal_domain, normal_pattern
from dmarcwatch.errors import ConfigError
from dmarcwatch.history import NOTHING_DECLARED, Declared
from dmarcwatch.notify.settings import NO_CHANNELS, Notify
from dmarcwatch.tables import Reader
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds

_VERSION = re.compile(r"\s*[Vv]\s*=\s*DMARC1\s*(;|$)")
"""Other mistakes of a record are told beside the verdict; one without this is no record at all."""
_SOURCES: Mapping[str, type] = {"imap": ImapSource, "files": FileSource, "s3": S3Source}


class VerifyDkim(StrEnum):
    """Whether reports' signatures are checked where no mail host states a result (JUDGEMENT 5)."""

    AUTO = "auto"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class DomainAnswers:
    """What the user says about one domain, under `[domain."example.com"]`."""

    record: str | None = None
    """The DMARC record as published, so that the next one can be printed whole."""
    declared: Declared = NOTHING_DECLARED


@dataclass(frozen=True, slots=True)
class General:
    """The keys outside any table."""

    database: Path | None = None
    domains: tuple[str, ...] = ()
    """The user's own domains; `*.example.com` is any name below.
    Reports on others are set aside. Empty: all domains."""
    verify_dkim: VerifyDkim = VerifyDkim.AUTO
    senders: Path | None = None
    """A senders.toml of the user's own, laid over the packaged one."""
    own_tenants: tuple[str, ...] = ()
    """Tenants of mailbox providers that are the user's, such as `example.onmicrosoft.com`."""
    microsoft_mailbox: bool = False
    """The reports' mailbox is at Microsoft 365, which stamps no name on its authentication results."""
    authserv_ids: tuple[str, ...] = ()
    """Names that the mailbox's own host stamps on authentication results; empty: the topmost is taken."""
    keep_raw: bool = True
    """Whether mails and files are kept as they came, for `show` and `rebuild --facts`.
    What could not be read is kept in any case."""
    redact_failure_reports: bool = True
    """Whether failure reports lose what names people: local parts of addresses, subject, message id,
    and their bytes."""
    workers: int | None = None
    """Processes that read ahead in runs of more than two hundred items; absent: as many as there are
    processors, four at most. 0 reads in one process."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; everything has a default, so that no file is needed to begin."""

    general: General = General()
    sources: tuple[Source, ...] = ()
    answers: Mapping[str, DomainAnswers] = field(default_factory=dict)
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    budgets: Budgets = Budgets()
    notify: Notify = NO_CHANNELS

    @property
    def database(self) -> Path | None:
        """Where the database lies, None where the platform decides."""
        return self.general.database

    def for_domain(self, domain: str) -> DomainAnswers:
        """What the user said about a domain; nothing for one that is not named."""
        return self.answers.get(domain, DomainAnswers())

    def is_ours(self, domain: str) -> bool:
        """Whether reports on `domain` are the user's."""
        return not self.general.domains or any(fnmatchcase(domain, each) for each in self.general.domains)


def load(path: Path, *, must_exist: bool = False) -> Config:
    """The configuration at `path`; defaults where there is none. Raises ConfigError with all mistakes."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise ConfigError([f"{path}: there is no such file"], hint="Check --config.") from None
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from None
    return _config(Reader(path), document)


def _config(reader: Reader, document: dict[str, Any]) -> Config:
    sources = _sources(reader, document.pop("source", []))
    answers = _answers(reader, document.pop("domain", {}))
    thresholds = _table(reader, Thresholds, document.pop("thresholds", {}), "thresholds")
    budgets = _table(reader, Budgets, document.pop("budgets", {}), "budgets")
    notify = _table(reader, Notify, document.pop("notify", {}), "notify")
    general = reader.make(General, document, "")
    if reader.problems:
        raise ConfigError(sorted(reader.problems), hint="Mend these and run the command again.")
    assert general and thresholds and budgets and notify
    general = replace(general, domains=tuple(normal_pattern(each) for each in general.domains))
    return Config(general, sources, answers, thresholds, budgets, notify)


def _table(reader: Reader, kind: type[Any], table: object, where: str) -> Any:
    if isinstance(table, dict):
        return reader.make(kind, table, where)
    reader.complain(where, "is not a table")
    return None


def _sources(reader: Reader, tables: object) -> tuple[Source, ...]:
    if not isinstance(tables, list):
        reader.complain("source", "write each source as [[source]]")
        return ()
    found: list[Source] = []
    for number, table in enumerate(tables, start=1):
        where = f"source[{number}]"
        kind = _SOURCES.get(table.pop("kind", "")) if isinstance(table, dict) else None
        if kind is None:
            reader.complain(f"{where}.kind", f"is not one of {', '.join(_SOURCES)}")
        elif (made := reader.make(kind, table, where)) is not None:
            found.append(made)
    return tuple(found)


def _answers(reader: Reader, tables: object) -> dict[str, DomainAnswers]:
    if not isinstance(tables, dict):
        reader.complain("domain", 'write each domain as [domain."example.com"]')
        return {}
    found: dict[str, DomainAnswers] = {}
    for domain, table in tables.items():
        where, name = f'domain."{domain}"', normal_domain(domain)
        if name is None:
            reader.complain(where, "is no domain name")
            continue
        if name in found:
            reader.complain(where, f"stands twice: {name} is another form of it")
        if not isinstance(table, dict):
            reader.complain(where, "is not a table")
            continue
        record = _record(reader, table.pop("record", None), where, name)
        declared = reader.make(Declared, table, where)
        if declared is not None:
            found[name] = DomainAnswers(record, declared)
    return found


def _record(reader: Reader, record: object, where: str, domain: str) -> str | None:
    if record is None:
        return None
    if not isinstance(record, str):
        reader.complain(f"{where}.record", "is not text in quotes")
    elif not _VERSION.match(record):
        reader.complain(f"{where}.record", f"does not begin with v=DMARC1: copy it from _dmarc.{domain}")
    else:
        return record
    return None
