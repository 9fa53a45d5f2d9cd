"""Ways into a mailbox, and what is said where there is none."""

import socket
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import Security
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL
from tests.collectors.mail_servers import ACCENTED_PASSWORD
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_server import odd_server
from tests.collectors.servers import free_port
from tests.collectors.wire import Wire


def refusal(mailbox, **changes) -> CollectError:
    with pytest.raises(CollectError) as caught:
        read_all(mailbox.collector(timeout_seconds=1, **changes))
    assert caught.value.hint
    assert caught.value.message.startswith(f"{replace(mailbox.source, **changes).name}: ")
    return caught.value


# -- protection ------------------------------------------------------------------------------------


def test_starttls_protects_the_plain_port(mailbox):
    mailbox.deliver(MAIL[0])
    starttls = {"port": mailbox.server.port, "security": Security.STARTTLS}
    assert len(read_all(mailbox.collector(**starttls))) == 1
    assert "is not trusted" in refusal(mailbox, **starttls, ca_file=None).message


def test_a_certificate_of_an_unknown_authority_is_refused(mailbox):
    error = refusal(mailbox, ca_file=None)
    assert "the certificate of localhost is not trusted" in error.message
    assert "ca_file" in error.hint


def test_a_certificate_for_another_name_is_refused(mailbox):
    assert "127.0.0.4 is not trusted" in refusal(mailbox, host=mailbox.server.no_move).message


def test_verification_can_be_switched_off_by_name(mailbox):
    mailbox.deliver(MAIL[0])
    assert len(read_all(mailbox.collector(ca_file=None, verify_certificate=False))) == 1


def test_a_ca_file_that_is_none_is_said(mailbox, tmp_path):
    assert "cannot be read" in refusal(mailbox, ca_file=tmp_path / "missing.pem").message
    (tmp_path / "empty.pem").write_text("not a certificate")
    assert "cannot be read" in refusal(mailbox, ca_file=tmp_path / "empty.pem").message


def test_tls_on_the_plain_port_is_explained(mailbox):
    error = refusal(mailbox, port=mailbox.server.port)
    assert "speaks IMAP without TLS at first" in error.message
    assert "starttls" in error.hint


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.NONE])
def test_no_tls_on_the_tls_port_is_explained(mailbox, security):
    error = refusal(mailbox, security=security)
    assert "expects TLS from the first byte" in error.message
    assert "imaps://" in error.hint


def test_starttls_that_is_not_offered_is_never_done_without(pymap_mailbox):
    assert "offers no STARTTLS" in refusal(pymap_mailbox, security=Security.STARTTLS).message


def test_a_password_the_server_wants_protected_is_not_sent(mailbox):
    plain = {"port": mailbox.server.port, "security": Security.NONE}
    error = refusal(mailbox, **plain, host=mailbox.server.no_plain_passwords)
    assert "takes no password on a connection without TLS" in error.message
    assert "starttls" in error.hint


# -- servers that are not there --------------------------------------------------------------------


def test_a_name_that_is_not_in_dns(mailbox):
    assert "the name mail.invalid cannot be found" in refusal(mailbox, host="mail.invalid").message


def test_a_port_where_nothing_listens(mailbox):
    port = free_port()
    assert f"nothing listens on port {port} of localhost" in refusal(mailbox, port=port).message


def test_a_server_that_never_greets(mailbox):
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        error = refusal(mailbox, host="127.0.0.1", port=mute.getsockname()[1])
        assert "did not answer in time" in error.message


def test_a_server_that_is_no_mail_server(mailbox):
    def greet(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            connection.recv(1000)

    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        thread = threading.Thread(target=greet, args=[other])
        thread.start()
        error = refusal(mailbox, host="127.0.0.1", port=other.getsockname()[1], security=Security.NONE)
        thread.join()
        assert "turned us away: unexpected response: b'SSH-2.0-OpenSSH_9.2'" in error.message


def test_a_server_that_is_too_busy(mailbox):
    with odd_server({}, greeting="* BYE too many connections") as odd:
        error = refusal(mailbox, host="127.0.0.1", port=odd.port, security=Security.NONE)
        assert "turned us away" in error.message
        assert "too many connections" in error.message


# -- passwords -------------------------------------------------------------------------------------


def test_a_wrong_password_is_said_and_never_shown(mailbox):
    error = refusal(mailbox, password=Secret(command=("echo", "hunter2")))
    assert f"refuses the password of {mailbox.source.user}: [AUTHENTICATIONFAILED]" in error.message
    assert "app password" in error.hint
    trace = error
    while trace is not None:
        assert "hunter2" not in repr(trace) + str(trace)
        trace = trace.__cause__


def test_a_password_need_not_be_ascii(mailbox):
    mailbox.source = replace(
        mailbox.source, user="accent", password=Secret(command=("printf", ACCENTED_PASSWORD))
    )
    assert read_all(mailbox.collector()) == []


def test_a_server_without_authenticate_gets_login(mailbox):
    with odd_server({7: MAIL[0]}, capabilities="IMAP4rev1") as odd:
        read = read_all(mailbox.collector(host="127.0.0.1", port=odd.port, security=Security.NONE))
        assert [item.data for item in read] == [MAIL[0]]
        assert any(command.startswith("LOGIN ") for command in odd.commands)
        mailbox.close()


def test_a_password_that_login_cannot_carry_is_explained(mailbox):
    with odd_server({}, capabilities="IMAP4rev1") as odd:
        place = {"host": "127.0.0.1", "port": odd.port, "security": Security.NONE}
        error = refusal(mailbox, **place, password=Secret(command=("printf", ACCENTED_PASSWORD)))
        assert "takes only ASCII" in error.message


def test_a_missing_secret_is_said_before_anybody_is_asked(mailbox):
    error_for = {
        Secret(env="DMARCWATCH_NO_SUCH_VARIABLE"): "DMARCWATCH_NO_SUCH_VARIABLE holds no secret",
        Secret(command=("false",)): "ended with status 1",
    }
    for secret, words in error_for.items():
        with pytest.raises(CollectError, match=words) as caught:
            read_all(mailbox.collector(password=secret, host="mail.invalid"))
        assert caught.value.hint


BUSY = [
    "NO [UNAVAILABLE] Temporary authentication failure.",
    "NO [INUSE] Mailbox is in use",
    "NO [LIMIT] Too much",
    "NO [ALERT] Too many simultaneous connections. (Failure)",
]


@pytest.mark.parametrize("answer", BUSY)
def test_a_server_that_lets_nobody_in_at_present_refuses_no_password(mailbox, answer):
    with odd_server({7: MAIL[0]}, ends={"AUTHENTICATE": answer}) as odd:
        error = refusal(mailbox, host="127.0.0.1", port=odd.port, security=Security.NONE)
        assert "not in at present: " + answer.removeprefix("NO ") in error.message
        assert "Wait" in error.hint


def test_a_server_that_lets_nobody_in_for_a_moment_in_mid_run_is_waited_for(mailbox):
    mails = {number: b"Subject: %d\r\n\r\n" % number for number in range(1, 151)}
    with odd_server(mails) as odd:
        place = {"host": "127.0.0.1", "port": odd.port, "security": Security.NONE}
        items = mailbox.collector(**place, retry_seconds=0.2).items(RunMemory())
        next(items)
        odd.ends["AUTHENTICATE"] = BUSY[0]
        odd.hang_up()
        timer = threading.Timer(0.5, odd.ends.clear)
        timer.start()
        assert len(list(items)) == len(mails) - 1
        timer.join()
        mailbox.close()


def test_whom_the_server_knows_already_need_not_log_in(mailbox):
    with odd_server({7: MAIL[0]}, greeting="* PREAUTH welcome") as odd:
        place = {"host": "127.0.0.1", "port": odd.port}
        assert len(read_all(mailbox.collector(**place, security=Security.NONE))) == 1
        mailbox.close()
        assert not any(command.startswith(("AUTHENTICATE", "LOGIN")) for command in odd.commands)
        error = refusal(mailbox, **place, security=Security.STARTTLS)
        assert "(PREAUTH), so there is no STARTTLS" in error.message


# -- access tokens ---------------------------------------------------------------------------------


@pytest.fixture
def token_file(mailbox, tmp_path):
    file = tmp_path / "token"
    file.write_text("good\n")
    mailbox.server.authority.tokens["good"] = mailbox.source.user
    mailbox.deliver(*MAIL * 40)
    mailbox.source = replace(mailbox.source, password=None, oauth=Secret(file=file))
    return file


def test_an_access_token_opens_the_mailbox(mailbox, token_file):
    assert len(read_all(mailbox.collector())) == len(MAIL) * 40


def test_a_refused_access_token_is_said_and_never_shown(mailbox, token_file):
    token_file.write_text("expired-token")
    error = refusal(mailbox)
    assert f"refuses the access token of {mailbox.source.user}" in error.message
    assert "expired-token" not in error.message


def test_a_token_that_expires_in_mid_run_is_fetched_anew(mailbox, token_file):
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        items = mailbox.collector(port=wire.port, security=Security.NONE).items(RunMemory())
        next(items)
        tokens = mailbox.server.authority.tokens
        tokens["fresh"] = tokens.pop("good")
        token_file.write_text("fresh")
        wire.hang_up()  # what providers do when a token runs out
        assert len(list(items)) == len(MAIL) * 40 - 1
        mailbox.close()


def test_xoauth2_is_used_where_the_standard_is_not_offered(mailbox, token_file):
    with odd_server({7: MAIL[0]}, capabilities="IMAP4rev1 AUTH=XOAUTH2") as odd:
        odd_place = {"host": "127.0.0.1", "port": odd.port, "security": Security.NONE}
        assert len(read_all(mailbox.collector(**odd_place))) == 1
        assert "AUTHENTICATE XOAUTH2" in odd.commands
        mailbox.close()


def test_a_server_without_tokens_is_explained(mailbox, token_file):
    with odd_server({}, capabilities="IMAP4rev1 AUTH=PLAIN") as odd:
        error = refusal(mailbox, host="127.0.0.1", port=odd.port, security=Security.NONE)
        assert "takes no access tokens" in error.message
