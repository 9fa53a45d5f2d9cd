"""A connection to a mail server, protected and logged in."""

import imaplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dmarcwatch.collect.imap_allowance import Allowance
from dmarcwatch.collect.imap_errors import IMAP_ERRORS, NOT_IMAP, login_refused, unreachable
from dmarcwatch.collect.sources import ImapSource, Security
from dmarcwatch.errors import CollectError

Client = Any
"""An imapclient.IMAPClient: the package has no types."""


def connect(source: ImapSource, secret: Callable[[], str], allowance: Allowance) -> Client:
    """A client that is logged in; `secret` gives the password or a fresh access token.

    Raises Unreachable where a later try may help, else CollectError.
    """
    from dmarcwatch.collect.imap_client import BoundedClient  # 0.1 s that reading files need not pay

    context = _tls_context(source)
    # Before connecting: no server waits while a person types a code somewhere.
    password_or_token = secret()
    try:
        client = BoundedClient(source, context, allowance)
    except (*IMAP_ERRORS, *NOT_IMAP) as error:
        raise unreachable(source, error) from error
    try:
        if source.security is Security.STARTTLS:
            _start_tls(client, source, context)
        if not client.logged_in:
            _log_in(client, source, password_or_token)
    except BaseException:
        drop(client)
        raise
    return client


def drop(client: Client) -> None:
    """Close the connection without a word; it may be broken already."""
    with suppress(*IMAP_ERRORS, *NOT_IMAP):
        client.shutdown()


def _tls_context(source: ImapSource) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=source.ca_file)
    except OSError as error:
        raise CollectError(
            f"{source.name}: the certificates in {source.ca_file} cannot be read: {error.strerror or error}",
            hint="ca_file is one file with certificates in PEM.",
        ) from error
    if not source.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _start_tls(client: Client, source: ImapSource, context: ssl.SSLContext) -> None:
    if client.logged_in:
        # Whoever greets so has us skip TLS: it cannot be started any more (RFC 9051 section 6.2.1).
        raise CollectError(
            f"{source.name}: the server greets us as logged in already (PREAUTH), so there is no STARTTLS",
            hint='Use security = "tls" (imaps://), or "none" for a server on this machine.',
        )
    if not client.has_capability("STARTTLS"):
        # Somebody between us and the server can take the offer out, so going on would be a leak.
        raise CollectError(
            f"{source.name}: the server offers no STARTTLS on port {source.effective_port}",
            hint='Use security = "tls" (imaps://), or "none" for a server on this machine.',
        )
    try:
        client.starttls(context)
    except IMAP_ERRORS as error:
        raise unreachable(source, error) from error


def _log_in(client: Client, source: ImapSource, secret: str) -> None:
    try:
        if source.oauth is not None:
            _with_token(client, source, secret)
        else:
            _with_password(client, source, secret)
    except (imaplib.IMAP4.abort, OSError, *NOT_IMAP) as error:
        raise unreachable(source, error) from None
    except imaplib.IMAP4.error as error:
        # `from None`: the foreign error's frames hold the secret.
        raise login_refused(source, error) from None


def _with_password(client: Client, source: ImapSource, password: str) -> None:
    # AUTHENTICATE PLAIN before LOGIN: it can carry a password that is not ASCII (RFC 4616).
    if client.has_capability("AUTH=PLAIN"):
        client.plain_login(source.user, password)
    elif not client.has_capability("LOGINDISABLED"):
        if not (source.user + password).isascii():
            raise CollectError(
                f"{source.name}: the server takes only ASCII in user and password (it has LOGIN alone)",
                hint="Change the password, or use OAuth.",
            )
        client.login(source.user, password)
    elif source.security is Security.NONE:
        raise CollectError(
            f"{source.name}: the server takes no password on a connection without TLS",
            hint='Use security = "starttls" (imap://) or "tls" (imaps://).',
        )
    else:
        raise CollectError(
            f"{source.name}: the server takes no password at all",
            hint="Configure OAuth for this mailbox.",
        )


def _with_token(client: Client, source: ImapSource, token: str) -> None:
    # The standard first (RFC 7628), then what Google and Microsoft had before it.
    if client.has_capability("AUTH=OAUTHBEARER"):
        user = source.user.replace("=", "=3D").replace(",", "=2C")
        answers = iter([f"n,a={user},\1auth=Bearer {token}\1\1"])
        client.sasl_login("OAUTHBEARER", lambda _challenge: next(answers, "\1"))
    elif client.has_capability("AUTH=XOAUTH2"):
        # A refusal comes as a challenge with the reason, which wants an empty answer.
        answers = iter([f"user={source.user}\1auth=Bearer {token}\1\1"])
        client.sasl_login("XOAUTH2", lambda _challenge: next(answers, ""))
    else:
        raise CollectError(
            f"{source.name}: the server takes no access tokens (neither OAUTHBEARER nor XOAUTH2)",
            hint="Configure a password for this mailbox.",
        )
