"""imapclient, with bounds on what an answer may cost, and with answers taken for claims.

Loaded only where a mailbox is read: imapclient costs 0.1 s that reading files need not pay.
"""

import imaplib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from imapclient import IMAPClient, SocketTimeout
from imapclient.datetime_util import parse_to_datetime
from imapclient.imap_utf7 import decode, encode
from imapclient.response_parser import parse_response

from dmarcwatch.collect.imap_allowance import Allowance
from dmarcwatch.collect.imap_errors import NOT_IMAP
from dmarcwatch.collect.sources import ImapSource, Security

T = TypeVar("T")

_GREETING_SECONDS = 20.0
"""Bound on connecting and on the greeting, which a healthy server sends at once."""


class BoundedClient(IMAPClient):  # type: ignore[misc]  # it has no types
    """A connection to the server of `source`, not logged in yet."""

    def __init__(self, source: ImapSource, context: ssl.SSLContext, allowance: Allowance) -> None:
        self._allowance = allowance
        # Whichever socket becomes one with TLS, now or by STARTTLS, is watched over from its first byte.
        context.sslsocket_class = type("_Tls", (_TlsSocket,), {"allowance": allowance})
        super().__init__(
            source.host,
            port=source.effective_port,
            ssl=source.security is Security.TLS,
            ssl_context=context,
            timeout=SocketTimeout(min(_GREETING_SECONDS, source.timeout_seconds), source.timeout_seconds),
        )
        self._imap.debug = 0  # or every message would be written out for a log that nobody keeps

    def _create_IMAP4(self) -> imaplib.IMAP4:
        context = self.ssl_context if self.ssl else None
        return _Connection(self.host, self.port, self._timeout.connect, context, self._allowance)

    @property
    def logged_in(self) -> bool:
        """Whether the server knows who we are, by a certificate or by where we come from (PREAUTH)."""
        return bool(self._imap.state != "NONAUTH")

    def fetch(
        self, messages: list[int], data: list[str], modifiers: None = None
    ) -> dict[int, dict[bytes, Any]]:
        """What is told of each message, by UID, as it was told.

        INTERNALDATE alone is made a time in UTC; None where it is none.
        """
        wanted = ",".join(map(str, messages))
        tag = self._imap._command("UID", "FETCH", wanted, f"({' '.join(data)})")
        typ, told = self._imap._command_complete("FETCH", tag)
        self._checkok("fetch", typ, told)
        _, told = self._imap._untagged_response(typ, told, "FETCH")
        found: dict[int, dict[bytes, Any]] = {uid: {} for uid in messages}
        for uid, attributes in _attributes(parse_response(told)):
            if uid in found:  # others are news that nobody asked for
                found[uid] |= attributes
        return {uid: attributes for uid, attributes in found.items() if attributes}

    def _proc_folder_list(self, folder_data: list[Any]) -> list[tuple[tuple[bytes, ...], bytes | None, Any]]:
        """Flags, delimiter and name of each folder; the name as bytes where it is no modified UTF-7."""
        told = iter(parse_response([item for item in folder_data if item not in (b"", None)]))
        return [
            (
                tuple(flag for flag in flags or () if isinstance(flag, bytes)),
                delimiter if isinstance(delimiter, bytes) else None,
                _name(name),
            )
            for flags, delimiter, name in zip(told, told, told, strict=False)
            if isinstance(name, bytes | int)
        ]


class _Connection(imaplib.IMAP4):
    """imaplib's connection, over a socket that keeps to the allowance."""

    def __init__(
        self, host: str, port: int, timeout: float, context: ssl.SSLContext | None, allowance: Allowance
    ) -> None:
        self._context, self._allowance = context, allowance
        allowance.renew()
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout)
        if self._context is not None:
            return self._context.wrap_socket(plain, server_hostname=self.host)
        watched = _PlainSocket(fileno=plain.detach())
        watched.allowance = self._allowance
        watched.settimeout(timeout)
        return watched

    def _new_tag(self) -> bytes:
        self._allowance.renew()
        tag: bytes = super()._new_tag()  # type: ignore[misc]
        return tag

    def read(self, size: int) -> bytes:
        self._allowance.spend(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._allowance.spend_line(len(line))
        return line


class _Watched(socket.socket):
    """A socket on which the whole of an answer has to arrive in time, not only its next byte."""

    allowance: Allowance

    def _in_time(self, receive: Callable[..., T], *arguments: Any) -> T:
        usual, left = self.gettimeout(), self.allowance.seconds()
        if not usual or usual <= left:  # without a timeout when asked for what is there already
            return receive(*arguments)
        self.settimeout(left)
        try:
            return receive(*arguments)
        except TimeoutError:
            self.allowance.seconds()
            raise
        finally:
            self.settimeout(usual)

    def recv(self, *arguments: Any) -> bytes:
        return self._in_time(super().recv, *arguments)

    def recv_into(self, *arguments: Any) -> int:
        return self._in_time(super().recv_into, *arguments)


class _PlainSocket(_Watched):
    pass


class _TlsSocket(_Watched, ssl.SSLSocket):
    pass


def _attributes(told: tuple[Any, ...]) -> Iterator[tuple[int, dict[bytes, Any]]]:
    """UID and attributes of each FETCH answer. Raises ValueError where it is none."""
    answers = iter(told)
    for _number, pairs in zip(answers, answers, strict=True):
        if not isinstance(pairs, tuple):
            raise ValueError("FETCH tells no list")
        names, values = pairs[::2], pairs[1::2]
        attributes = {
            name.upper(): value for name, value in zip(names, values, strict=True) if isinstance(name, bytes)
        }
        uid = attributes.pop(b"UID", 0)
        if not isinstance(uid, int):
            raise ValueError("FETCH tells a UID that is no number")
        if b"INTERNALDATE" in attributes:
            attributes[b"INTERNALDATE"] = _instant(attributes[b"INTERNALDATE"])
        yield uid, attributes


def _instant(told: Any) -> datetime | None:
    """A date is a claim: one that cannot be is as good as none."""
    try:
        # With its own offset, not in local time.
        instant: datetime = parse_to_datetime(told, normalise=False)
        return instant.astimezone(UTC)
    except NOT_IMAP:
        return None


def _name(told: bytes | int) -> str | bytes:
    """A folder's name; as it was told where asking for it by its name would ask for another."""
    raw = str(told).encode() if isinstance(told, int) else told
    try:
        name: str = decode(raw)
        return name if encode(name) == raw else raw
    except ValueError:
        return raw
