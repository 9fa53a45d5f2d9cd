"""What went wrong with a mail server, in one sentence with a remedy."""

import imaplib
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing

from dmarcwatch.collect.imap_allowance import Endless
from dmarcwatch.collect.sources import ImapSource, Security, Settle
from dmarcwatch.errors import CollectError
from dmarcwatch.text import clean, count

_PROBE_SECONDS = 5.0
_MAX_WORDS_CHARS = 200
_FOLDERS_NAMED = 10
_LATER = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT)\]|too many .*connections", re.IGNORECASE)
"""RFC 5530 section 3 and RFC 9051 section 7.1; Gmail has words instead of a code."""
_RIGHTS = {
    Settle.SEEN: "to keep seen flags (s)",
    Settle.MOVE: "to insert there (i), create it where it is missing (k), and delete and expunge here (t, e)",
    Settle.DELETE: "to delete and expunge (t, e)",
}


class Unreachable(CollectError):
    """No connection could be made; a later one may succeed."""


class Lost(CollectError):
    """Connections were made, and broke each time during the same command."""


class Refused(CollectError):
    """The server answered a command with NO or BAD, or not in IMAP."""

    def __init__(self, message: str, *, hint: str = "", words: str = "") -> None:
        super().__init__(message, hint=hint)
        self.words = words
        """What the server said."""


class Closed(CollectError):
    """A folder cannot be opened as asked."""

    def __init__(self, message: str, *, hint: str, forbidden: bool, there: bool) -> None:
        super().__init__(message, hint=hint)
        self.forbidden = forbidden
        """The user has no right to."""
        self.there = there
        """LIST tells of it."""


def first_of(errors: Sequence[CollectError]) -> CollectError:
    """The first error, with the number of those that came after it."""
    first, *more = errors
    if not more:
        return first
    text = f"{first.message} (and {count(len(more), 'error')} more, of other folders)"
    return CollectError(text, hint=first.hint)


def server_words(error: Exception) -> str:
    """What the server said, for a terminal; imaplib wraps some of it in `b'...'`."""
    text = str(error)
    wrapped = re.fullmatch(r"b(['\"])(.*)\1", text, re.DOTALL)
    return clean(wrapped[2] if wrapped else text, _MAX_WORDS_CHARS)


def refused(source: ImapSource, error: Exception) -> Refused:
    """What became of a command that the server answered with NO or BAD, or not in IMAP."""
    words = server_words(error)
    if isinstance(error, imaplib.IMAP4.error):
        text, hint = "the server says", "The next run asks again; where it stays so, ask who runs the server."
    else:
        text, hint = "the server's answer is not IMAP", "Check that the server is sound; ask who runs it."
        words = words or type(error).__name__
    return Refused(f"{source.name}: {text}: {words}", hint=hint, words=words)


def unreachable(source: ImapSource, error: Exception) -> CollectError:
    """Why no connection came about: `error` is an OSError or imaplib's error at the greeting."""
    where = f"port {source.effective_port} of {source.host}"
    match error:
        case socket.gaierror():
            return Unreachable(
                f"{source.name}: the name {source.host} cannot be found",
                hint="Check the host name, and that this machine can ask DNS.",
            )
        case ssl.SSLError():
            return _no_tls(source, error, where)
        case ConnectionRefusedError():
            return Unreachable(
                f"{source.name}: nothing listens on {where}",
                hint="Check host and port, and that the server runs.",
            )
        case TimeoutError():
            return _no_greeting(source, where)
        case OSError():
            return Unreachable(
                f"{source.name}: {source.host} cannot be reached: {error.strerror or error}",
                hint="Check the network and the firewall.",
            )
        case _:
            return Unreachable(
                f"{source.name}: {where} turned us away: {server_words(error)}",
                hint="Check that it is an IMAP server; it may also limit connections for each user.",
            )


def _no_tls(source: ImapSource, error: ssl.SSLError, where: str) -> CollectError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CollectError(
            f"{source.name}: the certificate of {source.host} is not trusted: {error.verify_message}",
            hint="Use the name the certificate was issued for, or name its authority with ca_file.",
        )
    if _greets_without_tls(source):
        return CollectError(
            f"{source.name}: {where} speaks IMAP without TLS at first",
            hint='Use security = "starttls" (imap://) there, or port 993 with TLS.',
        )
    return Unreachable(
        f"{source.name}: TLS with {where} failed: {clean(error.reason or str(error), _MAX_WORDS_CHARS)}",
        hint="Check that the port is right and the server's TLS is 1.2 or newer.",
    )


def _no_greeting(source: ImapSource, where: str) -> CollectError:
    if source.security is not Security.TLS and _speaks_tls(source):
        return CollectError(
            f"{source.name}: {where} expects TLS from the first byte",
            hint='Use security = "tls" (imaps://) there, or port 143 with STARTTLS.',
        )
    return Unreachable(
        f"{source.name}: {where} did not answer in time",
        hint="Check host and port, and that no firewall drops the connection.",
    )


def login_refused(source: ImapSource, error: Exception) -> CollectError:
    """Why the user may not come in, or not now."""
    words = server_words(error)
    if _LATER.search(words):
        return Unreachable(
            f"{source.name}: the server lets {source.user} not in at present: {words}",
            hint="The password was not refused. Wait, or close other connections to the mailbox.",
        )
    if source.oauth is not None:
        return CollectError(
            f"{source.name}: the server refuses the access token of {source.user}: {words}",
            hint="Check that the token is meant for IMAP and this user, and that it has not expired.",
        )
    return CollectError(
        f"{source.name}: the server refuses the password of {source.user}: {words}",
        hint="Check user and password; some providers want an app password, others only OAuth.",
    )


def folder_refused(source: ImapSource, folder: str, error: Exception, *, known: list[str]) -> Closed:
    """Why a folder cannot be opened; `known` are names of folders that are there."""
    words = server_words(error)
    forbidden = _forbidden(words)
    if forbidden:
        text = f"{source.user} may not open the folder {folder}"
        hint = "Give the user the right to read it (lookup and read in terms of RFC 4314)."
    else:
        text, hint = f"the folder {folder} cannot be opened", _folders_there(known)
    there = folder in known
    return Closed(f"{source.name}: {text}: {words}", hint=hint, forbidden=forbidden, there=there)


def nothing_matches(source: ImapSource, pattern: str, *, known: list[str]) -> CollectError:
    """A pattern leads nowhere; `known` are names of folders that are there."""
    return CollectError(f"{source.name}: no folder matches {pattern}", hint=_folders_there(known))


def settled_folder(source: ImapSource, folder: str) -> CollectError:
    """The folder for settled mail is to be read as well."""
    return CollectError(
        f"{source.name}: {folder} is the folder that stored mail is moved to, so it cannot be read as well",
        hint="Take it out of `folders`, or name another folder `done`.",
    )


def _forbidden(words: str) -> bool:
    return "[NOPERM]" in words or "ermission" in words  # RFC 5530 section 3


def _folders_there(known: list[str]) -> str:
    more = len(known) - _FOLDERS_NAMED
    names = ", ".join(clean(name, _MAX_WORDS_CHARS) for name in known[:_FOLDERS_NAMED])
    if not names:
        return "There is no folder at all that the user may see."
    return f"Folders there are: {names}{f' and {more:,} more' if more > 0 else ''}."


def read_only(source: ImapSource, folder: str) -> Closed:
    """What is stored cannot be settled."""
    return Closed(
        f"{source.name}: {source.user} may only read the folder {folder}",
        hint='Give the user the right to change it, or set settle = "nothing".',
        forbidden=True,
        there=True,
    )


def settling_refused(source: ImapSource, folder: str, words: str) -> Refused:
    """Why messages of a folder cannot be settled; `words` are the server's."""
    tried = {
        Settle.SEEN: f"mark messages of {folder} as seen",
        Settle.MOVE: f"move messages of {folder} to {source.done}",
        Settle.DELETE: f"delete messages of {folder}",
    }[source.settle]
    if "[OVERQUOTA]" in words or "quota" in words.lower():  # RFC 5530 section 3
        text = f"the quota of {source.user} leaves no room to {tried}: {words}"
        hint = 'Make room in the mailbox, or set settle = "delete" or "nothing".'
    elif _forbidden(words):
        text = f"{source.user} may not {tried}: {words}"
        hint = f'Give it the right {_RIGHTS[source.settle]} (RFC 4314), or set settle = "nothing".'
    else:
        text = f"the server refuses to {tried}: {words}"
        hint = 'All of them are stored. Ask who runs the server, or set settle = "nothing".'
    return Refused(f"{source.name}: {text}", hint=hint, words=words)


def lost(source: ImapSource, error: Exception) -> Lost:
    """The connection broke each time the same was asked, or one answer took longer than any needs."""
    if isinstance(error, Endless):
        reason = f"the server was still answering after {patience(source):g} seconds"
    elif isinstance(error, TimeoutError):
        reason = f"the server fell silent for {source.timeout_seconds:g} seconds in the middle of an answer"
        reason += ", more than once"
    else:
        reason = f"the connection broke: {server_words(error)} in the middle of an answer, more than once"
    return Lost(
        f"{source.name}: {reason}", hint="Everything read so far is stored; the next run goes on there."
    )


def patience(source: ImapSource) -> float:
    """Seconds in which any command is answered in full: a slow link needs some for a large mail."""
    return 10 * source.timeout_seconds


def _greets_without_tls(source: ImapSource) -> bool:
    address = (source.host, source.effective_port)
    try:
        with closing(socket.create_connection(address, _PROBE_SECONDS)) as probe:
            return probe.recv(4) in {b"* OK", b"* PR", b"* BY"}  # OK, PREAUTH, BYE: RFC 9051 section 7.1
    except OSError:
        return False


def _speaks_tls(source: ImapSource) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent over it: the question is only whether TLS is spoken at all.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = (source.host, source.effective_port)
    try:
        plain = socket.create_connection(address, _PROBE_SECONDS)
        with closing(context.wrap_socket(plain, server_hostname=source.host)):
            return True
    except OSError:
        return False


IMAP_ERRORS = (imaplib.IMAP4.error, OSError)
"""What imaplib and imapclient raise for reasons outside this program."""
NOT_IMAP = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    RecursionError,
)
"""What they raise besides where an answer is none that IMAP knows."""
