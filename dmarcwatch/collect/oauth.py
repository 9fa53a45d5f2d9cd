"""Access tokens for mailboxes of Microsoft 365 and Gmail.

The libraries are the extra `oauth` and are loaded only here. Each call gives a token that is good
now: they keep one while it lasts and fetch another when it does not.
"""

import json
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from dmarcwatch.collect.sources import GoogleSignIn, ImapSource, MicrosoftSignIn, printable
from dmarcwatch.errors import CollectError
from dmarcwatch.text import clean

SignIn = Callable[[str], None]
"""Shows a person the sentence that says where to sign in and with which code."""

_MICROSOFT_APP = "https://outlook.office365.com/.default"
_MICROSOFT_PERSON = "https://outlook.office.com/IMAP.AccessAsUser.All"
_GOOGLE_MAIL = "https://mail.google.com/"
_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_TIMEOUT_SECONDS = 60
_MAX_WORDS_CHARS = 300


def token_source(source: ImapSource, sign_in: SignIn | None) -> Callable[[], str]:
    """What gives an access token whenever a connection needs one.

    Without `sign_in` nobody is asked to sign in: there may be nobody. Calling the result raises
    CollectError.
    """
    match source.oauth:
        case MicrosoftSignIn():
            return _Microsoft(source.oauth, source.name, sign_in).token
        case GoogleSignIn():
            return _Google(source.oauth, source).token
        case None:
            raise ValueError("the source has no OAuth")
        case secret:
            return secret.resolve


class _Microsoft:
    def __init__(self, config: MicrosoftSignIn, name: str, sign_in: SignIn | None) -> None:
        self._config = config
        self._name = name
        self._sign_in = sign_in
        self._app: Any = None

    def token(self) -> str:
        msal = _library("msal")
        try:
            if self._app is None:
                self._app = self._application(msal)
            result = self._as_application() if self._config.client_secret else self._as_person()
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; msal's are ValueErrors
            raise self._failed(str(error)) from error
        if "access_token" not in result:
            raise self._failed(result.get("error_description") or result.get("error") or "no reason given")
        return str(result["access_token"])

    def _application(self, msal: Any) -> Any:
        options = {
            "authority": f"{self._config.authority.rstrip('/')}/{self._config.tenant}",
            # The authority is the operator's own choice, so nobody else is asked about it.
            "instance_discovery": False,
            "http_client": _http_client(self._config.ca_file),
        }
        if self._config.client_secret is not None:
            secret = self._config.client_secret.resolve()
            return msal.ConfidentialClientApplication(
                self._config.client_id, client_credential=secret, **options
            )
        cache = msal.SerializableTokenCache()
        if self._config.cache is not None and self._config.cache.exists():
            cache.deserialize(self._config.cache.read_text("utf-8"))
        return msal.PublicClientApplication(self._config.client_id, token_cache=cache, **options)

    def _as_application(self) -> dict[str, Any]:
        result: dict[str, Any] = self._app.acquire_token_for_client([_MICROSOFT_APP])
        return result

    def _as_person(self) -> dict[str, Any]:
        result: dict[str, Any] | None = None
        for account in self._app.get_accounts():
            result = self._app.acquire_token_silent([_MICROSOFT_PERSON], account)
        if not result and self._sign_in is not None:
            flow = self._app.initiate_device_flow([_MICROSOFT_PERSON])
            if "message" not in flow:
                raise self._failed(flow.get("error_description") or "device codes are not allowed")
            self._sign_in(flow["message"])
            result = self._app.acquire_token_by_device_flow(flow)
        if not result:
            raise CollectError(
                f"{self._name}: nobody is signed in at Microsoft",
                hint="Run `dmarcwatch fetch` once on a terminal and follow what it says.",
            )
        self._keep(self._app.token_cache)
        return result

    def _keep(self, cache: Any) -> None:
        path = self._config.cache
        if path is not None and cache.has_state_changed:
            write_private(path, cache.serialize())
            cache.has_state_changed = False

    def _failed(self, words: str) -> CollectError:
        return CollectError(
            f"{self._name}: Microsoft gave no access token: {clean(words, _MAX_WORDS_CHARS)}",
            hint="Check tenant, client_id, secret, and that the application may use IMAP.",
        )


class _Google:
    def __init__(self, config: GoogleSignIn, source: ImapSource) -> None:
        self._config = config
        self._source = source
        self._credentials: Any = None

    def token(self) -> str:
        transport = _library("google.auth.transport.requests")
        exceptions = _library("google.auth.exceptions")
        try:
            if self._credentials is None:
                self._credentials = self._load()
            if not self._credentials.valid:
                self._credentials.refresh(transport.Request())
        except (exceptions.GoogleAuthError, OSError, ValueError, KeyError) as error:
            words = error.args[0] if error.args else error
            raise CollectError(
                f"{self._source.name}: Google gave no access token: {clean(str(words), _MAX_WORDS_CHARS)}",
                hint=f"Check {printable(self._config.credentials)} and its scope, {_GOOGLE_MAIL}.",
            ) from error
        return str(self._credentials.token)

    def _load(self) -> Any:
        told = json.loads(self._config.credentials.expanduser().read_text("utf-8"))
        if told.get("type") == "service_account":
            accounts = _library("google.oauth2.service_account")
            return accounts.Credentials.from_service_account_info(
                told, scopes=[_GOOGLE_MAIL], subject=self._source.user
            )
        return _library("google.oauth2.credentials").Credentials(
            token=None,
            refresh_token=told["refresh_token"],
            client_id=told["client_id"],
            client_secret=told["client_secret"],
            token_uri=told.get("token_uri", _GOOGLE_TOKENS),
        )


def _http_client(ca_file: Path | None) -> Any:
    """What msal would make by itself, but with `ca_file` before REQUESTS_CA_BUNDLE."""
    session = _library("requests").Session()
    options = {"verify": str(ca_file)} if ca_file else {}
    session.request = partial(session.request, timeout=_TIMEOUT_SECONDS, **options)
    return session


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner can read, never leaving half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise CollectError(
            f"access tokens need the Python package {name.partition('.')[0]}",
            hint="Install dmarcwatch with its extra: pip install 'dmarcwatch[oauth]'.",
        ) from error
