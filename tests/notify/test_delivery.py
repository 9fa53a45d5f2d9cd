"""One message to one channel, over a real wire: taken or not, within a time, and without secrets."""

import email
import email.policy

import pytest

from dmarcwatch.alerts.message import Message
from dmarcwatch.collect.secret import Secret
from dmarcwatch.notify.courier import hidden
from dmarcwatch.notify.delivery import send
from dmarcwatch.notify.settings import Channel
from tests.notify.servers import Mailbox, free_port, hook, mail_server

MESSAGE = Message("A title", ("All of it.\n    aws sesv2 --region eu-west-1 & more <b>\n", "Less.\n"))
TIMEOUT = 20.0


def mail_url(port, to="ops@example.net"):
    return f"mailto://127.0.0.1:{port}/?from=dmarc@example.com&to={to}"


def to(url, **changes):
    return Channel("ops", url, **{"timeout_seconds": TIMEOUT} | changes)


def test_a_mail_arrives_with_its_commands_as_they_are():
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        assert send(to(mail_url(port)), MESSAGE) is None
    (raw,) = mailbox.messages
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == "A title"
    assert "aws sesv2 --region eu-west-1 & more <b>" in mail.get_body(("plain",)).get_content()


def test_a_webhook_gets_title_and_text():
    with hook() as endpoint:
        assert send(to(endpoint.url), MESSAGE) is None
        (body,) = endpoint.bodies
    assert "A title" in body
    assert "All of it." in body


def test_a_webhook_that_answers_500_has_failed_and_its_token_is_not_repeated():
    with hook() as endpoint:
        endpoint.mode = "broken"
        error = send(to(endpoint.url), MESSAGE)
    assert "500" in error
    assert "s3cr3t" not in error


@pytest.mark.parametrize("mode", ["silent", "drip"])
def test_a_webhook_that_never_ends_its_answer_is_given_up(mode):
    with hook() as endpoint:
        endpoint.mode = mode
        assert send(to(endpoint.url, timeout_seconds=3.0), MESSAGE) is not None


def test_a_server_that_is_gone_is_a_reason_in_words():
    error = send(to(mail_url(free_port())), MESSAGE)
    assert "127.0.0.1" in error
    assert "refused" in error


def test_an_address_that_is_refused_is_a_reason_in_words():
    mailbox = Mailbox()
    mailbox.refused.add("gone@example.net")
    with mail_server(mailbox) as port:
        error = send(to(mail_url(port, "gone@example.net")), MESSAGE)
    assert "550" in error
    assert mailbox.messages == []


def test_a_mail_server_without_tls_is_not_written_to_where_tls_was_asked_for():
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        error = send(to(mail_url(port).replace("mailto", "mailtos")), MESSAGE)
    assert "STARTTLS" in error
    assert mailbox.messages == []


def test_a_url_that_names_two_places_is_refused_because_one_would_hear_twice():
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        error = send(to(mail_url(port, "a@example.net,b@example.net")), MESSAGE)
    assert "names 2 places" in error
    assert mailbox.messages == []


@pytest.mark.parametrize("url", ["no-url-at-all-s3cr3t", "nonsense://s3cr3t"])
def test_a_url_that_apprise_does_not_know_is_named_without_what_it_holds(url):
    error = send(to(url), MESSAGE)
    assert "none that apprise knows" in error
    assert "s3cr3t" not in error


def test_a_secret_that_is_not_there_is_a_reason_in_words():
    error = send(to(Secret(env="DMARCWATCH_TEST_NO_SUCH_VARIABLE")), MESSAGE)
    assert error == "the environment variable DMARCWATCH_TEST_NO_SUCH_VARIABLE holds no secret"


def test_a_url_may_lie_in_a_file(tmp_path):
    with hook() as endpoint:
        (tmp_path / "url").write_text(endpoint.url + "\n")
        assert send(to(Secret(file=tmp_path / "url")), MESSAGE) is None


def test_a_channel_s_url_is_in_no_repr():
    assert "s3cr3t" not in repr(to("json://127.0.0.1/s3cr3t"))


def test_no_part_of_a_url_that_may_be_secret_is_repeated_in_any_spelling():
    url = "mailtos://joe:p%40ssword@mail.example.com:465/?to=ops@example.net"
    said = hidden("login of joe with p@ssword (p%40ssword) at mail.example.com failed", url)
    assert said == "login of joe with p@ssword (...) at mail.example.com failed".replace("p@ssword", "...")
