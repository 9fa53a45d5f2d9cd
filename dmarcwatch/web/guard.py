"""Who may see the pages: one shared password, and only under names the server answers to.

The database names a company's senders and partners. On loopback no password is asked, so the Host header is
checked there: without that, any web page open in the same browser could read ours by DNS rebinding.
"""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


_DATASETTES_OWN = (
    b"default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    b"frame-ancestors 'none'"
)
"""Its templates carry scripts inside them; even so nothing comes from, or goes to, any other place."""


def keep_to_origin(application: Application) -> Application:
    """`application`, with a policy for pages that set none of their own: Datasette's tables and queries."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", _DATASETTES_OWN))
                message = {**message, "headers": headers}
            await send(message)

        await application(scope, receive, with_policy if scope["type"] == "http" else send)

    return guarded


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name other than localhost is taken not to be."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def ask_password(application: Application, password: str) -> Application:
    """`application` behind HTTP Basic authentication (RFC 7617); any user name will do."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _password_given(scope, password):
            await application(scope, receive, send)
        else:
            challenge = (b"www-authenticate", b'Basic realm="dmarcwatch", charset="UTF-8"')
            await _refuse(send, 401, "A password is needed.", challenge)

    return guarded


def check_host(application: Application, names: Iterable[str]) -> Application:
    """`application` for requests to loopback or to one of `names`; all others are refused."""
    known = {name.lower() for name in names}

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        name = _host(scope)
        if name in known or is_loopback(name):
            await application(scope, receive, send)
        else:
            await _refuse(send, 421, "This server does not answer to that name.")

    return guarded


def _host(scope: Scope) -> str:
    """The name in the Host header, without port, in lower case; empty where there is none."""
    host: str = _header(scope, b"host").decode("latin-1").lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def _password_given(scope: Scope, password: str) -> bool:
    scheme, _, credentials = _header(scope, b"authorization").partition(b" ")
    if scheme.lower() != b"basic":
        return False
    try:
        given = b64decode(credentials.strip(), validate=True).partition(b":")[2]
    except Base64Error:
        return False
    return hmac.compare_digest(given, password.encode())


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found


async def _refuse(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": f"{text}\n".encode()})
