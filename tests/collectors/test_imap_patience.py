"""Servers that talk for ever, and runs that have an end."""

import time
from contextlib import closing

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main, reading
from dmarcwatch.collect.imap import ImapCollector
from dmarcwatch.collect.sources import Security, Settle
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL
from tests.collectors.mail_servers import PASSWORD
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_server import odd_server
from tests.collectors.test_imap_faults import BIG, collect_from, collector_of
from tests.collectors.wire import Fault, Wire

MESSAGE = {3: b"Subject: 3\r\n\r\n" + b"x" * 10_000}


def dribble(*first: bytes, line: bytes = b"* OK still here"):
    yield from first
    while True:
        time.sleep(0.05)
        yield line


@pytest.fixture(params=["lines", "literal"])
def words(request):
    if request.param == "lines":
        return dribble()
    return dribble(b"* 1 FETCH (UID 3 BODY[] {10000}", line=b"")


def test_a_message_that_is_told_for_ever_waits(words):
    with odd_server(MESSAGE, told={"UID FETCH .*BODY": words}) as odd:
        began = time.monotonic()
        assert collect_from(odd, timeout_seconds=0.3) == ([], ["unreadable"])
        assert time.monotonic() - began < 60


def test_a_folder_that_is_told_of_for_ever_is_an_error():
    with odd_server(MESSAGE, told={"UID SEARCH": dribble()}) as odd:
        with pytest.raises(CollectError, match="the server was still answering after 3 seconds") as caught:
            collect_from(odd, timeout_seconds=0.3)
        assert caught.value.hint


def test_a_greeting_that_never_ends_is_an_error():
    with (
        odd_server(MESSAGE, told={"CAPABILITY": dribble()}) as odd,
        pytest.raises(CollectError, match="did not answer in time"),
    ):
        collect_from(odd, timeout_seconds=0.3)


# -- the end of a run ------------------------------------------------------------------------------


def test_what_is_told_at_the_end_of_the_run_is_left_to_the_next(words):
    with odd_server(MESSAGE, told={"UID FETCH .*BODY": words}) as odd:
        began = time.monotonic()
        with (
            closing(collector_of(odd, deadline=began + 1.5)) as collector,
            pytest.raises(CollectError, match="the time given to this run ended while") as caught,
        ):
            read_all(collector)
        assert caught.value.message.startswith("imap://rua@127.0.0.1")
        assert caught.value.hint
        assert time.monotonic() - began < 60
        del odd.told["UID FETCH .*BODY"]
        assert collect_from(odd) == (list(MESSAGE.values()), [])


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_silence_ends_with_the_run_under_tls_too(mailbox, security):
    mailbox.deliver(*BIG)
    port = mailbox.server.tls_port if security is Security.TLS else mailbox.server.port
    with Wire("127.0.0.1", port) as wire:
        wire.faults.extend([Fault(after_bytes=50_000, silent=True)] * 9)
        source = mailbox.collector(port=wire.port, security=security)._source
        began = time.monotonic()
        collector = ImapCollector(source, source.password.resolve, deadline=began + 2)
        with closing(collector), pytest.raises(CollectError, match="the time given to this run ended"):
            read_all(collector)
        assert time.monotonic() - began < 60


def test_a_server_that_is_away_at_the_end_of_the_run_is_not_waited_for(mailbox):
    mailbox.deliver(*MAIL * 40)
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        options = {"port": wire.port, "security": Security.NONE, "retry_seconds": 60.0}
        source = mailbox.collector(**options)._source
        began = time.monotonic()
        collector = ImapCollector(source, source.password.resolve, deadline=began + 20)
        items = collector.items(RunMemory())
        next(items)
    with closing(collector), pytest.raises(CollectError, match="the time given to this run ended"):
        list(items)
    assert time.monotonic() - began < 60


def test_what_was_stored_is_settled_though_the_time_of_the_run_is_over(mailbox):
    mailbox.deliver(*MAIL)
    source = mailbox.collector(Settle.DELETE)._source
    deadline = time.monotonic() + 3
    with closing(ImapCollector(source, source.password.resolve, deadline=deadline)) as collector:
        items = read_all(collector)
        time.sleep(max(0.0, deadline - time.monotonic()))
        collector.settle(items)
        with pytest.raises(CollectError, match="the time given to this run ended"):
            read_all(collector)
    assert mailbox.flags() == {}


def test_max_minutes_end_a_run_whose_server_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "GRACE_SECONDS", 1.0)
    with odd_server(MESSAGE, told={"UID SEARCH": dribble()}) as odd:
        (tmp_path / "dmarcwatch.toml").write_text(
            f'[[source]]\nkind = "imap"\nhost = "127.0.0.1"\nport = {odd.port}\nuser = "rua"\n'
            f'password = {{ command = ["echo", "{PASSWORD}"] }}\nsecurity = "none"\n'
        )
        options = ["--db", f"{tmp_path / 'dmarc.db'}", "--config", f"{tmp_path / 'dmarcwatch.toml'}"]
        done = CliRunner().invoke(main, [*options, "fetch", "--max-minutes", "0.03"])
    assert done.exit_code == 4
    assert "the time given to this run ended" in done.stderr
