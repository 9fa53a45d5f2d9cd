"""`dmarcwatch init`: a few answers become a configuration that the program reads."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.cli import main
from dmarcwatch.cli.initial import Answers, text
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import FileSource, ImapSource, MicrosoftSignIn, S3Source
from dmarcwatch.config import load
from dmarcwatch.history import Audience, Cadence

IMAP = ("--source", "imaps://dmarc@imap.example.com", "--domain", "example.com")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dmarcwatch.toml"


def run(path, *arguments, **options):
    return CliRunner().invoke(main, ["--config", str(path), "init", *arguments], **options)


def test_a_mailbox_and_a_domain_are_enough(path):
    assert run(path, *IMAP, "--no-input").exit_code == 0
    config = load(path)
    [source] = config.sources
    assert source == ImapSource("imap.example.com", "dmarc", password=Secret(env="DMARCWATCH_IMAP_PASSWORD"))
    assert config.general.domains == ("example.com", "*.example.com")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_questions_are_asked_on_standard_error_and_their_answers_written(path):
    answers = "imaps://dmarc@imap.example.com\nfile:/etc/dmarcwatch/password\nExample.com, bücher.example\npeople\namazon-ses mailchimp\nmailchimp\n"
    done = run(path, input=answers)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    config = load(path)
    assert config.sources[0].password == Secret(file=Path("/etc/dmarcwatch/password"))
    declared = config.for_domain("example.com").declared
    assert declared.audience is Audience.PEOPLE
    assert declared.owned_senders == ("amazon-ses", "mailchimp")
    assert declared.every == (("example.com/mailchimp", Cadence.MONTH),)
    assert "xn--bcher-kva.example" in config.answers


def test_microsoft_365_is_recognized_by_its_host(path):
    arguments = ("--source", "imaps://dmarc@example.com@outlook.office365.com", "--domain", "example.com")
    assert run(path, *arguments, "--no-input").exit_code == 2
    done = run(path, *arguments, "--tenant", "example.onmicrosoft.com", "--client-id", "42", "--no-input")
    assert done.exit_code == 0, done.output
    config = load(path)
    assert config.general.microsoft_mailbox
    [source] = config.sources
    assert isinstance(source.oauth, MicrosoftSignIn)
    assert (source.oauth.tenant, source.oauth.client_id, source.user) == (
        "example.onmicrosoft.com",
        "42",
        "dmarc@example.com",
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("s3://reports/rua/", S3Source(bucket="reports", prefix="rua/")),
        (
            "sqs://sqs.eu-west-1.amazonaws.com/123456789012/reports",
            S3Source(queue="https://sqs.eu-west-1.amazonaws.com/123456789012/reports", region="eu-west-1"),
        ),
        ("/var/mail/dmarc", FileSource(Path("/var/mail/dmarc"))),
    ],
)
def test_other_sources_are_named_as_for_fetch(path, source, expected):
    assert run(path, "--source", source, "--domain", "example.com", "--no-input").exit_code == 0
    assert load(path).sources == (expected,)


def test_a_domain_that_never_sends_is_declared_so(path):
    assert run(path, *IMAP, "--audience", "none", "--no-input").exit_code == 0
    assert load(path).for_domain("example.com").declared.no_mail


def test_a_configuration_that_is_there_stays_unless_the_user_says_so(path):
    path.write_text("# mine\n")
    assert run(path, *IMAP, "--no-input").exit_code == 2
    assert run(path, *IMAP, input="n\n").exit_code == 2
    assert path.read_text() == "# mine\n"
    assert run(path, *IMAP, "--no-input", "--force").exit_code == 0
    assert load(path).sources
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--domain", "example.com"), "--source"),
        (("--source", "-", "--domain", "example.com"), "Standard input"),
        (IMAP[:2], "--domain"),
        ((*IMAP, "--domain", "no domain"), "'no domain' is no domain"),
        ((*IMAP, "--domain", "localhost"), "'localhost' is no domain"),
        ((*IMAP, "--password", "secret123"), "no place for a password"),
        ((*IMAP, "--sender", "amazon-sess"), "near it: amazon-ses"),
        (("--source", "ftp://x/", "--domain", "example.com"), "ftp:// names no kind"),
    ],
)
def test_an_answer_that_cannot_be_used_is_said_and_nothing_written(path, arguments, named):
    done = run(path, *arguments, "--no-input")
    assert (done.exit_code, path.exists()) == (2, False)
    assert named in done.stderr


def test_who_mistypes_in_the_dialogue_is_asked_again_and_not_sent_away(path):
    answers = (
        "imap.example.com", "imaps://imap.example.com", "imaps://dmarc@imap.example.com",
        "hunter2", "env:DMARC_PASSWORD", "example", "example.com", "people", "ses", "amazon-ses", "",
    )  # fmt: skip
    done = run(path, input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    for said in (
        "A mailbox is written imaps://user@host/folder",
        "name the user and the host",
        "That is no place for a password",
        "'example' is no domain",
        "near it: amazon-ses",
    ):
        assert said in done.stderr
    config = load(path)
    assert config.sources[0].host == "imap.example.com"
    assert config.for_domain("example.com").declared.owned_senders == ("amazon-ses",)


def test_nothing_to_write_into_is_a_sentence(tmp_path):
    done = run(tmp_path / "nowhere" / "a.toml", *IMAP, "--no-input")
    assert (done.exit_code, "cannot be written" in done.stderr) == (2, True)


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(words, words, st.lists(words, max_size=3), words)
def test_whatever_is_answered_the_reader_reads_it_back(tmp_path_factory, host, user, command, folder):
    source = ImapSource(host, user, password=Secret(env="X"), folders=(folder,))
    answers = Answers(source, {"command": ["x", *command]}, domains=("example.com",), database=Path("/a b"))
    path = tmp_path_factory.mktemp("init") / "dmarcwatch.toml"
    path.write_text(text(answers), "utf-8")
    config = load(path)
    assert config.sources[0].password == Secret(command=("x", *command))
    assert (config.sources[0].host, config.sources[0].user, config.sources[0].folders) == (
        host,
        user,
        (folder,),
    )
    assert config.database == Path("/a b")
