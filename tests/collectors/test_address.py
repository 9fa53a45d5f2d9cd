"""What people type, and where secrets lie."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.collect.address import PASSWORD_VARIABLE, TOKEN_VARIABLE, parse_source
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import FileSource, ImapSource, S3Source, Security, Settle, StdinSource
from dmarcwatch.errors import CollectError, ConfigError, DmarcwatchError

PASSWORD = Secret(env=PASSWORD_VARIABLE)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("-", StdinSource()),
        ("reports/2026", FileSource(Path("reports/2026"))),
        ("C:\\reports", FileSource(Path("C:\\reports"))),
        ("imaps://rua@mail.example", ImapSource("mail.example", "rua", PASSWORD)),
        ("IMAPS://rua@mail.example/", ImapSource("mail.example", "rua", PASSWORD)),
        (
            "imaps://rua@example.com@mail.example:1993/DMARC/In%20box",
            ImapSource("mail.example", "rua@example.com", PASSWORD, port=1993, folders=("DMARC/In box",)),
        ),
        (
            "imap://rua%40example.com@[::1]/a?b#c",
            ImapSource("::1", "rua@example.com", PASSWORD, security=Security.STARTTLS, folders=("a?b#c",)),
        ),
        (
            "imaps://rua;AUTH=XOAUTH2@mail.example/INBOX",
            ImapSource("mail.example", "rua", oauth=Secret(env=TOKEN_VARIABLE)),
        ),
        ("s3://reports", S3Source("reports")),
        ("s3://reports/dmarc/a?b#c", S3Source("reports", "dmarc/a?b#c")),
        (
            "sqs://sqs.eu-west-1.amazonaws.com/123456789012/reports",
            S3Source(queue="https://sqs.eu-west-1.amazonaws.com/123456789012/reports", region="eu-west-1"),
        ),
    ],
)
def test_an_address_names_a_source(text, source):
    assert parse_source(text) == source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be empty"),
        ("ftp://mail.example", "ftp:// names no kind of source"),
        ("imaps://mail.example/INBOX", "name the user and the host"),
        ("imaps://rua@/INBOX", "name the user and the host"),
        ("imaps://rua@mail.example:port", "cannot be read"),
        ("s3:///prefix", "name the bucket"),
        ("sqs://host/queue", "name host, account and queue"),
    ],
)
def test_an_address_that_names_none_says_what_is_missing(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_source(text)


@pytest.mark.parametrize("text", ["imaps://rua:hunter2@mail.example/", "imaps://rua:hunter2@mail.example:x/"])
def test_a_password_in_an_address_is_refused_and_not_repeated(text):
    with pytest.raises(ConfigError) as caught:
        parse_source(text)
    assert "hunter2" not in caught.value.message + caught.value.hint


@given(
    st.one_of(
        st.text(), st.text().map(lambda text: f"imaps://{text}"), st.text().map(lambda text: f"sqs://{text}")
    )
)
def test_any_text_is_a_source_or_a_mistake_that_is_explained(text):
    try:
        assert parse_source(text).name
    except DmarcwatchError as error:
        assert error.message


def test_a_mailbox_has_one_name_however_it_is_reached():
    same = [
        ImapSource("mail.example", "rua", PASSWORD),
        ImapSource("mail.example", "rua", PASSWORD, security=Security.STARTTLS, folders=("a", "b")),
    ]
    assert {source.name for source in same} == {"imap://rua@mail.example"}
    assert ImapSource("mail.example", "rua", PASSWORD, port=1143).name == "imap://rua@mail.example:1143"


def test_mistakes_of_a_mailbox_are_said_together():
    with pytest.raises(ConfigError) as caught:
        ImapSource("mail.example", "rua", folders=())
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("numbers", [{"attempts": 0}, {"timeout_seconds": 0.0}, {"timeout_seconds": -1.0}])
def test_numbers_that_make_no_sense_are_mistakes(numbers):
    with pytest.raises(ConfigError):
        ImapSource("mail.example", "rua", PASSWORD, **numbers)
    with pytest.raises(ConfigError):
        S3Source("reports", **numbers)
    with pytest.raises(ConfigError, match="parallel is at least 1"):
        S3Source("reports", parallel=0)


def test_a_queue_is_settled_even_where_nothing_happens_to_the_objects():
    assert S3Source("reports", queue="https://sqs.eu-west-1.amazonaws.com/1/q").settles
    assert S3Source("reports", settle=Settle.DELETE).settles
    assert not S3Source("reports").settles


# -- secrets ---------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment_a_file_or_a_command(monkeypatch, tmp_path):
    monkeypatch.setenv("RUA_PASSWORD", "from the environment")
    (tmp_path / "secret").write_text("from a file\r\n")
    assert Secret(env="RUA_PASSWORD").resolve() == "from the environment"
    assert Secret(file=tmp_path / "secret").resolve() == "from a file"
    assert Secret(command=("echo", "from a command")).resolve() == "from a command"


def test_spaces_belong_to_a_secret():
    assert Secret(command=("printf", " a b \n")).resolve() == " a b "


def test_a_command_is_asked_each_time_and_needs_no_shell(tmp_path):
    counter = tmp_path / "count"
    secret = Secret(command=("sh", "-c", f"echo x >> {counter}; wc -l < {counter}; : $HOME"))
    assert [secret.resolve().strip(), secret.resolve().strip()] == ["1", "2"]
    assert Secret(command=("echo", "$HOME;x")).resolve() == "$HOME;x"


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (Secret(env="RUA_NOT_SET"), "the environment variable RUA_NOT_SET holds no secret"),
        (Secret(file=Path("/nowhere/secret")), "the secret in /nowhere/secret cannot be read: No such file"),
        (Secret(command=("no-such-program", "hunter2")), "the command no-such-program gave no secret"),
        (Secret(command=("sh", "-c", "exit 3 # hunter2")), "the command sh ended with status 3"),
        (
            Secret(command=("printf", r"\377hunter2")),
            "the command printf gave no secret: its output is not text",
        ),
        (Secret(command=("true", "hunter2")), "the command true holds no secret"),
    ],
)
def test_a_secret_that_is_not_there_is_explained_without_it(secret, words):
    with pytest.raises(CollectError, match=words) as caught:
        secret.resolve()
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("parts", [{}, {"env": "A", "file": Path("b")}, {"env": ""}, {"command": ()}])
def test_a_secret_lies_in_exactly_one_place(parts):
    with pytest.raises(ConfigError, match="exactly one of env, file and command"):
        Secret(**parts)


def test_opening_a_file_loads_nothing_that_only_mailboxes_and_buckets_need(tmp_path):
    program = (
        "import sys; from dmarcwatch.collect.address import parse_source;"
        "from dmarcwatch.collect.opening import open_source;"
        f"open_source(parse_source({str(tmp_path)!r})).close();"
        "print({'imapclient', 'boto3', 'botocore', 'msal', 'google', 'requests', 'cryptography'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
