"""What people type on the command line to name a source."""

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import FileSource, ImapSource, S3Source, Security, Source, StdinSource
from dmarcwatch.errors import ConfigError

PASSWORD_VARIABLE = "DMARCWATCH_IMAP_PASSWORD"
"""Environment variable with the password of a mailbox that is named on the command line."""
TOKEN_VARIABLE = "DMARCWATCH_IMAP_TOKEN"
"""Environment variable with the access token, for `imaps://user;AUTH=XOAUTH2@host/folder`."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# RFC 5092 section 3: the mechanism stands behind the user; `*` leaves the choice to the client.
_AUTH = re.compile(r";AUTH=(\*|XOAUTH2|OAUTHBEARER|PLAIN|LOGIN)\Z", re.IGNORECASE)


def parse_source(text: str) -> Source:
    """The source that `text` names: `-`, a path, or a URL with imap, imaps, s3 or sqs.

    `imap://` means STARTTLS, never an unprotected connection. Says nothing about whether the source
    exists. Raises ConfigError.
    """
    if text == "-":
        return StdinSource()
    scheme = _SCHEME.match(text)
    if scheme is None:
        if not text:
            raise ConfigError(["a source cannot be empty"])
        return FileSource(Path(text))
    match scheme[1].lower():
        case "imaps":
            return _imap(text, Security.TLS)
        case "imap":
            return _imap(text, Security.STARTTLS)
        case "s3":
            return _s3(text)
        case "sqs":
            return _sqs(text)
        case other:
            raise ConfigError(
                [f"{other}:// names no kind of source"],
                hint="Give a path, -, imaps://user@host/folder, s3://bucket/prefix or sqs://host/account/queue.",
            )


def _imap(text: str, security: Security) -> ImapSource:
    url = _split(text)
    # `#` and `?` are legal in user and folder names and mean nothing else here.
    user, password = url.username, url.password
    if password is not None:
        raise ConfigError(
            [f"{url.scheme}://{url.hostname}: a password on the command line can be read by everybody"],
            hint=f"Put it into the environment variable {PASSWORD_VARIABLE}, or use the configuration file.",
        )
    if not user or not url.hostname:
        raise ConfigError([f"{text}: name the user and the host, as in imaps://user@host/folder"])
    auth = _AUTH.search(user)
    token = auth is not None and auth[1].upper() in {"XOAUTH2", "OAUTHBEARER"}
    return ImapSource(
        host=url.hostname,
        port=url.port,
        user=unquote(_AUTH.sub("", user)),
        password=None if token else Secret(env=PASSWORD_VARIABLE),
        oauth=Secret(env=TOKEN_VARIABLE) if token else None,
        security=security,
        folders=(unquote(url.path.strip("/")) or "INBOX",),
    )


def _s3(text: str) -> S3Source:
    # Not through urlsplit: a key may hold `?` and `#`.
    bucket, _, prefix = text.partition("://")[2].partition("/")
    if not bucket:
        raise ConfigError([f"{text}: name the bucket, as in s3://bucket/prefix"])
    return S3Source(bucket=bucket, prefix=prefix)


def _sqs(text: str) -> S3Source:
    url = _split(text)
    parts = url.path.strip("/").split("/")
    if not url.hostname or len(parts) != 2 or not all(parts):
        raise ConfigError(
            [
                f"{text}: name host, account and queue, as in sqs://sqs.eu-west-1.amazonaws.com/123456789012/queue"
            ]
        )
    region = re.fullmatch(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?", url.hostname)
    return S3Source(queue=f"https://{url.netloc}{url.path}", region=region[1] if region else None)


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text.replace("?", "%3F").replace("#", "%23"))
        _ = url.port
    except ValueError as error:
        # Not the text itself: it may hold a password all the same.
        raise ConfigError([f"{text.partition('://')[0]}://: the address cannot be read: {error}"]) from None
    return url
