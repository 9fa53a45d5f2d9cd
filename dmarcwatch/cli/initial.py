"""The first configuration as text: what was answered, and what else could be said, as comments."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dmarcwatch.collect.sources import FileSource, ImapSource, S3Source, Source
from dmarcwatch.errors import ConfigError

MICROSOFT_HOSTS = frozenset({"outlook.office365.com", "outlook.office.com"})
GMAIL_HOSTS = frozenset({"imap.gmail.com", "imap.googlemail.com"})


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` asked."""

    source: Source
    secret: Mapping[str, str | list[str]] | None = None
    """Of a mailbox: `env`, `file` or `command`, with its value."""
    tenant: str | None = None
    """Of a mailbox at Microsoft 365: the directory to sign in to, with `client_id`."""
    client_id: str | None = None
    domains: tuple[str, ...] = ()
    audience: str | None = None
    """`people`, `machines`, `none` for a domain that never sends; None where the user does not know."""
    senders: tuple[str, ...] = ()
    """Ids of senders.toml that send for the user."""
    monthly: tuple[str, ...] = ()
    """Those of them that send monthly or less."""
    database: Path | None = None


def text(answers: Answers) -> str:
    """The configuration as TOML. Raises ConfigError for a source that a configuration cannot name."""
    parts = ("\n".join(part(answers)) for part in (_head, _source, _domains))
    return "\n\n".join(parts) + "\n"


def _head(answers: Answers) -> Iterator[str]:
    yield "# dmarcwatch. Every key: docs/configuration.md. Mistakes are all named at once, with file and key."
    yield ""
    if answers.database is None:
        yield '# database = "/var/lib/dmarcwatch/dmarcwatch.db"   # default: the platform\'s data folder'
    else:
        yield f"database = {_quoted(str(answers.database))}"
    yield "# Your own domains; reports on others are set aside."
    yield f"domains = {_list([*answers.domains, *(f'*.{domain}' for domain in answers.domains)])}"
    if _at_microsoft(answers.source):
        yield "# Microsoft 365 stamps no name on its authentication results."
        yield "microsoft_mailbox = true"


def _source(answers: Answers) -> Iterator[str]:
    source = answers.source
    yield "# Where reports arrive. Nothing there is changed: no message is marked, moved or deleted unless"
    yield '# `settle` says so ("seen", "move", "delete").'
    yield "[[source]]"
    match source:
        case ImapSource():
            yield from _imap(source, answers)
        case S3Source():
            yield 'kind = "s3"   # needs the extra `s3`; `dmarcwatch fetch --iam` prints the least policy'
            for key in ("bucket", "prefix", "queue", "region"):
                if getattr(source, key):
                    yield f"{key} = {_quoted(getattr(source, key))}"
        case FileSource():
            yield 'kind = "files"'
            yield f"path = {_quoted(str(source.path.absolute()))}"
        case _:
            raise ConfigError(
                ["Standard input cannot be read again by the next run."], hint="Name another source."
            )


def _imap(source: ImapSource, answers: Answers) -> Iterator[str]:
    yield 'kind = "imap"'
    yield f"host = {_quoted(source.host)}"
    if source.port:
        yield f"port = {source.port}"
    yield f"user = {_quoted(source.user)}"
    yield f"folders = {_list(list(source.folders))}"
    if source.security != "tls":
        yield f"security = {_quoted(source.security)}"
    if answers.tenant and answers.client_id:
        yield "# Needs the extra `oauth`. A person signs in once, in the first fetch in a terminal; a service"
        yield "# signs in by itself: give client_secret instead of cache."
        yield "[source.oauth]"
        yield f"tenant = {_quoted(answers.tenant)}"
        yield f"client_id = {_quoted(answers.client_id)}"
        yield 'cache = "~/.config/dmarcwatch/microsoft-token"'
        return
    if source.host in GMAIL_HOSTS:
        yield "# An app password (myaccount.google.com/apppasswords); or OAuth, see docs/start-gmail.md."
    yield f"password = {_table(answers.secret or {'env': 'DMARCWATCH_IMAP_PASSWORD'})}"


def _domains(answers: Answers) -> Iterator[str]:
    yield "# What no report says. `record` lets the next record be printed whole."
    for domain in answers.domains:
        yield f"[domain.{_quoted(domain)}]"
        yield '# record = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"'
        if answers.audience == "none":
            yield "no_mail = true"
        elif answers.audience:
            yield f"audience = {_quoted(answers.audience)}"
        else:
            yield '# audience = "people"   # people write to mailing lists; or "machines"'
        if answers.senders:
            yield f"owned_senders = {_list(list(answers.senders))}"
        if answers.monthly:
            yield "# Stream ids; `dmarcwatch sources` shows them all."
            streams = {f"{domain}/{sender}": "month" for sender in answers.monthly}
            yield f"every = {_table(streams)}"
        else:
            yield f'# every = {{ "{domain}/mailchimp" = "month" }}   # what sends monthly or less'
        yield ""


def _at_microsoft(source: Source) -> bool:
    return isinstance(source, ImapSource) and source.host.lower() in MICROSOFT_HOSTS


def _quoted(value: str) -> str:
    # A basic string of TOML is one of JSON, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _key(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else _quoted(name)


def _list(values: list[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _table(values: Mapping[str, str | list[str]]) -> str:
    pairs = (
        f"{_key(key)} = {_list(value) if isinstance(value, list) else _quoted(value)}"
        for key, value in values.items()
    )
    return f"{{ {', '.join(pairs)} }}"
