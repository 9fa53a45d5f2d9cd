"""`dmarcwatch message`: one received mail, by the same rules as reports."""

from textwrap import wrap
from typing import BinaryIO

import click

from dmarcwatch.check.keys import arrival_verifier
from dmarcwatch.check.record import read
from dmarcwatch.check.resolver import server
from dmarcwatch.classify import Classifier
from dmarcwatch.cli.context import Settings, print_json, width
from dmarcwatch.cli.opening import load_senders, open_store
from dmarcwatch.domains import organizational_domain
from dmarcwatch.errors import TooLarge
from dmarcwatch.mail.headers import header_start
from dmarcwatch.message import Examined, as_dict, examine, lines
from dmarcwatch.report import AlignmentMode, PolicyPublished
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.published import last_record

_MODES = {"r": AlignmentMode.RELAXED, "s": AlignmentMode.STRICT}


@click.command(name="message", short_help="Say of one received mail who sent it and what aligns.")
@click.argument("file", type=click.File("rb"))
@click.option("--verify", is_flag=True, help="Verify its signatures with the keys that DNS has today.")
@click.option("--resolver", metavar="ADDRESS", help="Ask this one for keys, and not the system's.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def command(settings: Settings, file: BinaryIO, verify: bool, resolver: str | None, as_json: bool) -> None:
    """Say of one received mail who sent it and what aligns, in which state it is, what is still to do.

    FILE is the mail with its whole header, as "show original" gives it; - reads standard input. The topmost
    Authentication-Results are taken for the mail host's own.
    """
    data = _read(settings, file)
    found = _examine(settings, data)
    verified = _verified(data, resolver) if verify else None
    if verified and not found.checked:
        found = _examine(settings, _stamped(data, verified))
    if as_json:
        print_json(as_dict(found) | {"verified": None if verified is None else list(verified)})
        return
    text = [*lines(found), *(() if verified is None else (_sentence(verified, found),))]
    for line in text:
        indent = line[: len(line) - len(line.lstrip())] + "  "
        click.echo("\n".join(wrap(line, width(), subsequent_indent=indent, break_long_words=False) or [""]))


def _read(settings: Settings, file: BinaryIO) -> bytes:
    limit = settings.config.budgets.max_message_bytes
    data = file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge("max_message_bytes", f"The mail has more than {limit:,} bytes.")
    return data


def _examine(settings: Settings, data: bytes) -> Examined:
    """The mail under its domain's own alignment modes, where the record is known."""
    senders = load_senders(settings.config)
    classifier = Classifier(senders, own_tenants=frozenset(settings.config.general.own_tenants))
    found = examine(data, classifier=classifier, senders=senders)
    policy = _policy(settings, found.header_from)
    return found if policy is None else examine(data, classifier=classifier, senders=senders, policy=policy)


def _policy(settings: Settings, header_from: str) -> PolicyPublished | None:
    """What the configuration or the last `check` knows of the record; None where neither does."""
    for domain in dict.fromkeys((header_from, organizational_domain(header_from))):
        text = settings.config.for_domain(domain).record or _last_checked(settings, domain)
        if text is not None:
            record = read(text)
            adkim, aspf = (_MODES.get(record.word(tag) or "") for tag in ("adkim", "aspf"))
            return PolicyPublished(domain, adkim=adkim, aspf=aspf)
    return None


def _last_checked(settings: Settings, domain: str) -> str | None:
    path = settings.database_path
    if not path.exists():
        return None
    with store_errors(path):
        database = open_store(settings)
        try:
            return last_record(database.conn, domain)
        finally:
            database.close()


def _verified(data: bytes, resolver: str | None) -> tuple[str, ...]:
    """d= of each signature of the From domain's organisation that verifies today."""
    address, port = server(resolver) if resolver else (None, 53)
    return arrival_verifier(nameserver=address, port=port)(data)


def _stamped(data: bytes, verified: tuple[str, ...]) -> bytes:
    """The mail with the results that a mail host would have put on top of it (RFC 8601)."""
    results = "".join(f"; dkim=pass header.d={domain}" for domain in verified)
    start = header_start(data, 0, len(data))
    return f"Authentication-Results: dmarcwatch{results}\r\n".encode() + data[start:]


def _sentence(verified: tuple[str, ...], found: Examined) -> str:
    if verified:
        return f"Verified now: {', '.join(f'd={domain}' for domain in verified)}."
    return (
        f"Verified now: no signature as {found.header_from}. A mail changes where programs save it, keys are "
        "replaced, and DNS may not have answered."
    )
