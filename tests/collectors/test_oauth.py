"""Access tokens from Microsoft and Google, whose end points an authority of ours stands for."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dmarcwatch.collect.oauth import token_source
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import GoogleSignIn, ImapSource, MicrosoftSignIn
from dmarcwatch.errors import CollectError
from tests.collectors.servers import free_port


def microsoft(identity_provider, certificates, **options) -> ImapSource:
    sign_in = MicrosoftSignIn(
        "tenant",
        "client",
        authority=f"https://localhost:{identity_provider.port}",
        ca_file=certificates.ca_file,
        **options,
    )
    return ImapSource("outlook.office365.com", "rua@example.com", oauth=sign_in)


def test_microsoft_gives_an_application_a_token_and_keeps_it_while_it_lasts(identity_provider, certificates):
    identity_provider.issue_for = "rua@example.com"
    token = token_source(
        microsoft(identity_provider, certificates, client_secret=Secret(command=("echo", "s"))), None
    )
    assert token() == token() == "token-1"
    ((_, form),) = identity_provider.requests
    assert (form["grant_type"], form["client_secret"]) == ("client_credentials", "s")
    assert form["scope"] == "https://outlook.office365.com/.default"


def test_microsoft_asks_a_person_once_and_renews_from_the_file(identity_provider, certificates, tmp_path):
    identity_provider.issue_for = "rua@example.com"
    source = microsoft(identity_provider, certificates, cache=tmp_path / "deep" / "cache.json")
    shown = []
    assert token_source(source, shown.append)() == "token-2"  # after the request for a device code
    assert shown == ["Open https://example.net/device and type ABCD-EFGH"]
    assert (tmp_path / "deep" / "cache.json").stat().st_mode & 0o777 == 0o600
    assert token_source(source, None)() == "token-3"
    assert identity_provider.requests[-1][1]["grant_type"] == "refresh_token"


def test_where_nobody_can_sign_in_the_run_does_not_wait(identity_provider, certificates, tmp_path):
    source = microsoft(identity_provider, certificates, cache=tmp_path / "cache.json")
    with pytest.raises(CollectError, match="nobody is signed in") as caught:
        token_source(source, None)()
    assert "terminal" in caught.value.hint


def test_microsofts_refusal_is_told_in_its_words(identity_provider, certificates):
    source = microsoft(identity_provider, certificates, client_secret=Secret(command=("echo", "s")))
    with pytest.raises(CollectError, match="gave no access token: this sign-in is not valid any more"):
        token_source(source, None)()


def test_an_identity_provider_that_is_not_there_is_an_error_of_the_source(certificates):
    gone = microsoft(
        type("", (), {"port": free_port()})(), certificates, client_secret=Secret(command=("echo", "s"))
    )
    with pytest.raises(CollectError, match="Microsoft gave no access token"):
        token_source(gone, None)()


def google(path, **told) -> ImapSource:
    path.write_text(json.dumps(told))
    return ImapSource("imap.gmail.com", "rua@example.com", oauth=GoogleSignIn(path))


def test_google_renews_the_token_of_an_authorized_user(authority, tmp_path):
    authority.issue_for = "rua@example.com"
    token = token_source(
        google(
            tmp_path / "user.json",
            type="authorized_user",
            client_id="client",
            client_secret="s",
            refresh_token="refresh",
            token_uri=f"http://127.0.0.1:{authority.port}/token",
        ),
        None,
    )
    assert token() == token() == f"token-{len(authority.requests)}"
    assert authority.requests[-1][1]["grant_type"] == "refresh_token"


def test_google_gives_a_service_account_a_token_for_the_user(authority, tmp_path):
    authority.issue_for = "rua@example.com"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    token = token_source(
        google(
            tmp_path / "service.json",
            type="service_account",
            client_email="service@example.iam.gserviceaccount.com",
            private_key=pem.decode(),
            private_key_id="1",
            token_uri=f"http://127.0.0.1:{authority.port}/token",
        ),
        None,
    )
    assert token() == f"token-{len(authority.requests)}"


def test_googles_refusal_and_a_broken_file_are_told(authority, tmp_path):
    authority.issue_for = ""
    refused = google(
        tmp_path / "user.json",
        type="authorized_user",
        client_id="client",
        client_secret="s",
        refresh_token="old",
        token_uri=f"http://127.0.0.1:{authority.port}/token",
    )
    with pytest.raises(CollectError, match=r"Google gave no access token: .*invalid_grant"):
        token_source(refused, None)()
    with pytest.raises(CollectError, match="Google gave no access token"):
        token_source(google(tmp_path / "empty.json"), None)()
