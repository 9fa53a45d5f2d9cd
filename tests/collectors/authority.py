"""Who issues and checks OAuth access tokens in the tests."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest


@dataclass
class Authority:
    """Who issues and checks access tokens: RFC 7662 introspection for the mail server, and the
    token end point of RFC 6749 for clients."""

    port: int
    tokens: dict[str, str] = field(default_factory=dict)
    """Access tokens that are good, each with its user."""
    issue_for: str = ""
    """User to whom the next tokens are issued; empty: refuse."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def _answer(authority: Authority, path: str, form: dict[str, str]) -> tuple[int, object]:
    if path == "/introspect":
        user = authority.tokens.get(form["token"])
        return 200, {"active": True, "username": user} if user else {"active": False}
    authority.requests.append((path, form))
    if path.endswith("/devicecode"):
        return 200, {
            "device_code": "device",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://example.net/device",
            "message": "Open https://example.net/device and type ABCD-EFGH",
            "expires_in": 60,
            "interval": 0,
        }
    if not authority.issue_for:
        return 400, {"error": "invalid_grant", "error_description": "this sign-in is not valid any more"}
    token = f"token-{len(authority.requests)}"
    authority.tokens[token] = authority.issue_for
    # Only a person's token names an account.
    account = base64.urlsafe_b64encode(b'{"uid": "1", "utid": "2"}').decode()
    person = {} if form["grant_type"] == "client_credentials" else {"client_info": account}
    return 200, person | {
        "token_type": "Bearer",
        "access_token": token,
        "refresh_token": "refresh",
        "expires_in": 3600,
        "scope": form.get("scope", ""),
    }


def _discovery(base: str) -> dict[str, str]:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "device_authorization_endpoint": f"{base}/devicecode",
    }


def _handler(authority: Authority) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tenant = self.path.strip("/").split("/")[0]
            self.reply(200, _discovery(f"https://localhost:{authority.port}/{tenant}"))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {key: values[0] for key, values in urllib.parse.parse_qs(body).items()}
            self.reply(*_answer(authority, self.path, form))

        def reply(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(authority: Authority, context: ssl.SSLContext | None) -> Iterator[Authority]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(authority))
    authority.port = server.server_address[1]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """The plain end point that the mail server asks about tokens."""
    with serving(Authority(0), None) as ready:
        yield ready


@pytest.fixture
def identity_provider(certificates) -> Iterator[Authority]:
    """An end point with TLS that issues tokens to clients."""
    with serving(Authority(0), certificates.context) as ready:
        yield ready
