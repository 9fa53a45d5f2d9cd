"""`dmarcwatch init`: a few questions, and a configuration that answers them."""

import os
import shlex
import tempfile
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import click

from dmarcwatch.cli.context import CONFIG_NAME, Settings
from dmarcwatch.cli.initial import MICROSOFT_HOSTS, Answers, text
from dmarcwatch.collect.address import PASSWORD_VARIABLE, parse_source
from dmarcwatch.collect.sources import FileSource, ImapSource, Source
from dmarcwatch.config import load
from dmarcwatch.domains import normal_domain
from dmarcwatch.errors import ConfigError
from dmarcwatch.senders import Senders

AUDIENCES = ("people", "machines", "none", "unsure")
_SECRETS = ("env", "file", "command")
Answer = TypeVar("Answer")


@click.command(name="init", short_help="Ask a few questions and write a configuration.")
@click.option(
    "--source", help="Where reports arrive: a folder, imaps://user@host/folder, s3://bucket/prefix."
)
@click.option("--password", help="Where a mailbox's password lies: env:NAME, file:PATH or command:WORDS.")
@click.option("--tenant", help="Microsoft 365: the directory to sign in to.")
@click.option("--client-id", help="Microsoft 365: the app registration.")
@click.option("--domain", "domains", multiple=True, help="A domain of yours; may be given again.")
@click.option("--audience", type=click.Choice(AUDIENCES), help="Who writes its mail; people write to lists.")
@click.option("--sender", "senders", multiple=True, help="A service that sends for you, such as amazon-ses.")
@click.option("--monthly", multiple=True, help="One of them that sends monthly or less.")
@click.option("--no-input", is_flag=True, help="Ask nothing; what is not given stays a comment.")
@click.option("--force", is_flag=True, help="Write over a configuration that is there.")
@click.pass_obj
def command(
    settings: Settings,
    source: str | None,
    password: str | None,
    tenant: str | None,
    client_id: str | None,
    domains: tuple[str, ...],
    audience: str | None,
    senders: tuple[str, ...],
    monthly: tuple[str, ...],
    no_input: bool,
    force: bool,
) -> None:
    """Ask a few questions and write a configuration, readable by its owner only.

    It goes to ./dmarcwatch.toml, or where --config says. Each answer can be given as an option instead.
    """
    path = settings.config_path or Path(CONFIG_NAME)
    asks = _Questions(quiet=no_input)
    if path.exists() and not force and not asks.confirm(f"{path} is there. Write over it?"):
        raise ConfigError(
            [f"{path} is there and stays as it is."], hint="Name another with --config, or say --force."
        )
    chosen = asks.source(source)
    secret = asks.secret(chosen, password, by_token=bool(tenant or client_id))
    if secret is None:
        tenant, client_id = asks.microsoft(chosen, tenant, client_id)
    names = asks.domains(domains)
    audience = asks.audience(audience)
    owned = asks.senders(
        senders, "Which services send for you? (ids such as amazon-ses, empty: reports will tell)"
    )
    rare = asks.senders(monthly, "Which of them send monthly or less? (empty: none)", among=owned)
    answers = Answers(
        source=chosen,
        secret=secret,
        tenant=tenant,
        client_id=client_id,
        domains=names,
        audience=None if audience == "unsure" else audience,
        senders=tuple(dict.fromkeys((*owned, *rare))),
        monthly=rare,
        database=settings.db,
    )
    _write(path, text(answers))
    settings.say(f"{path} is written. Next: dmarcwatch fetch, then dmarcwatch verdict.")


class _Questions:
    """Asks for what was not given as an option, unless nobody is to be asked."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def confirm(self, question: str) -> bool:
        return not self._quiet and click.confirm(question, err=True)

    def source(self, given: str | None) -> Source:
        question = "Where do reports arrive? (a folder, imaps://user@host/folder, s3://bucket/prefix)"
        # A folder named by an option may be made later; in a dialogue it is more likely mistyped.
        return parse_source(given) if given else self._until(question, _source)

    def secret(
        self, source: Source, given: str | None, *, by_token: bool
    ) -> dict[str, str | list[str]] | None:
        if not isinstance(source, ImapSource) or by_token:
            return None
        if given is None and source.host.lower() in MICROSOFT_HOSTS:
            return None
        question = "Where lies its password? (env:NAME, file:PATH, command:WORDS)"
        return _place(given) if given else self._until(question, _place, f"env:{PASSWORD_VARIABLE}")

    def microsoft(
        self, source: Source, tenant: str | None, client_id: str | None
    ) -> tuple[str | None, str | None]:
        if not isinstance(source, ImapSource):
            return None, None
        tenant = tenant or self._ask("Directory (tenant) id or domain at Microsoft")
        client_id = client_id or self._ask("Application (client) id")
        if not tenant or not client_id:
            raise ConfigError(
                ["Microsoft 365 needs --tenant and --client-id."], hint="See docs/start-microsoft-365.md."
            )
        return tenant, client_id

    def domains(self, given: tuple[str, ...]) -> tuple[str, ...]:
        question = "Which domains are yours? (separated by spaces)"
        return _domains(given) if given else self._until(question, lambda said: _domains(_words(said)))

    def audience(self, given: str | None) -> str:
        question = "Who writes mail from them? People write to mailing lists; none: they never send"
        if given or self._quiet:
            return given or "unsure"
        answer: str = click.prompt(question, type=click.Choice(AUDIENCES), default="unsure", err=True)
        return answer

    def senders(
        self, given: tuple[str, ...], question: str, among: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        if among == ():
            return _known(given)
        return _known(given) if given else self._until(question, lambda said: _known(_words(said)), "")

    def _until(self, question: str, read: Callable[[str], Answer], default: str | None = None) -> Answer:
        """What `read` makes of the answer; a person who mistyped is asked again."""
        if self._quiet:
            return read(default or "")
        while True:
            try:
                return read(self._ask(question, default) or "")
            except ConfigError as error:
                click.echo(f"  {error.message}", err=True)

    def _ask(self, question: str, default: str | None = None) -> str | None:
        if self._quiet:
            return default
        answer: str = click.prompt(question, default=default, show_default=bool(default), err=True)
        return answer.strip()


def _words(answer: str | None) -> tuple[str, ...]:
    return tuple((answer or "").replace(",", " ").split())


def _source(answer: str) -> Source:
    if not answer:
        raise ConfigError(["No source was named."], hint="Name one with --source.")
    source = parse_source(answer)
    if isinstance(source, FileSource) and not source.path.exists():
        raise ConfigError(
            [f"There is no file or folder {answer} here. A mailbox is written imaps://user@host/folder."],
        )
    return source


def _place(answer: str) -> dict[str, str | list[str]]:
    kind, _, value = answer.partition(":")
    if kind not in _SECRETS or not value:
        raise ConfigError(["That is no place for a password: say env:NAME, file:PATH or command:WORDS."])
    return {kind: shlex.split(value) if kind == "command" else value}


def _domains(words: tuple[str, ...]) -> tuple[str, ...]:
    names = [(word, normal_domain(word)) for word in words]
    wrong = [f"{word!r} is no domain." for word, name in names if not name or "." not in name]
    if wrong or not names:
        raise ConfigError(wrong or ["No domain was named."], hint="Name one with --domain.")
    return tuple(name for _, name in names if name)


def _known(ids: tuple[str, ...]) -> tuple[str, ...]:
    senders = Senders.load()
    names = [sender.id for sender in senders]
    wrong = []
    for each in ids:
        if senders.get(each) is None:
            near = [name for name in names if each in name.split("-")][:3]
            near = near or get_close_matches(each, names, n=3, cutoff=0.5)
            wrong.append(f"{each!r} is no sender" + (f"; near it: {', '.join(near)}." if near else "."))
    if wrong:
        raise ConfigError(wrong)
    return ids


def _write(path: Path, content: str) -> None:
    """Write the configuration once the reader has accepted it; for its owner only, whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ConfigError([f"{path} cannot be written: {error.strerror}."]) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        load(Path(name), must_exist=True)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
