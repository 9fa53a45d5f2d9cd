"""What goes wrong between us and a mail server, and what must not be lost by it."""

from contextlib import closing

import pytest

from dmarcwatch.collect import Notify, unheard
from dmarcwatch.collect.imap import ImapCollector
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import ImapSource, Security, Settle
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL
from tests.collectors.mail_servers import PASSWORD
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_server import OddServer, odd_server
from tests.collectors.wire import Fault, Wire

BIG = [b"Subject: %d\r\n\r\n%s\r\n" % (number, b"x" * 100_000) for number in range(5)]


@pytest.fixture
def wire(mailbox):
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        yield wire
        mailbox.close()


def behind(wire: Wire) -> dict:
    return {"port": wire.port, "security": Security.NONE, "timeout_seconds": 1.0}


# -- connections that break ------------------------------------------------------------------------


def test_a_connection_cut_in_mid_message_is_made_anew_and_nothing_is_lost(mailbox, wire):
    mailbox.deliver(*BIG)
    wire.faults.append(Fault(after_bytes=250_000))
    assert [item.data for item in read_all(mailbox.collector(**behind(wire)))] == BIG
    assert wire.connections == 2


def test_a_server_that_falls_silent_in_mid_message_is_asked_again(mailbox, wire):
    mailbox.deliver(*BIG)
    wire.faults.append(Fault(after_bytes=250_000, silent=True))
    assert [item.data for item in read_all(mailbox.collector(**behind(wire)))] == BIG


def test_a_server_that_always_falls_silent_is_an_error_and_what_came_before_is_kept(mailbox, wire):
    mailbox.deliver(*MAIL)
    memory = RunMemory()
    assert len(read_all(mailbox.collector(**behind(wire)), memory)) == len(MAIL)
    mailbox.deliver(*BIG)
    wire.faults.extend([Fault(after_bytes=50_000, silent=True)] * 50)
    with pytest.raises(CollectError, match="fell silent for 1 seconds in the middle of an answer") as caught:
        read_all(mailbox.collector(**behind(wire)), memory)
    assert caught.value.hint
    wire.faults.clear()
    assert [item.data for item in read_all(mailbox.collector(**behind(wire)), memory)] == BIG


def test_a_server_that_restarts_between_two_batches_is_waited_for(mailbox, wire):
    mailbox.deliver(*MAIL * 40)
    items = mailbox.collector(**behind(wire)).items(RunMemory())
    first = [next(items) for _ in range(100)]
    wire.hang_up()
    assert len(first + list(items)) == len(MAIL) * 40


def test_a_server_that_stays_away_in_mid_run_is_an_error(mailbox):
    mailbox.deliver(*MAIL * 40)
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        items = mailbox.collector(**behind(wire), attempts=3, retry_seconds=0.01).items(RunMemory())
        next(items)
    with pytest.raises(CollectError, match="nothing listens on port"):
        list(items)


def test_a_connection_that_breaks_while_settling_settles_all_the_same(mailbox, wire):
    mailbox.deliver(*MAIL)
    collector = mailbox.collector(Settle.MOVE, **behind(wire))
    items = read_all(collector)
    wire.hang_up()
    collector.settle(items)
    assert len(mailbox.flags("DMARC/Done")) == len(MAIL)


def test_a_connection_that_broke_while_waiting_does_not_look_like_silence(mailbox, wire):
    collector = mailbox.collector(**behind(wire))
    read_all(collector)
    mailbox.deliver(MAIL[0])
    wire.hang_up()
    assert collector.watch(5)


# -- servers with habits ---------------------------------------------------------------------------


def collector_of(odd: OddServer, notify: Notify = unheard, *, deadline: float | None = None, **options):
    source = ImapSource(
        "127.0.0.1",
        "rua",
        Secret(command=("echo", PASSWORD)),
        port=odd.port,
        security=Security.NONE,
        **{"timeout_seconds": 5, "retry_seconds": 0.01, **options},
    )
    return ImapCollector(source, source.password.resolve, notify=notify, deadline=deadline)


def collect_from(odd: OddServer, memory: RunMemory | None = None, **options) -> tuple[list[bytes], list[str]]:
    notices = []
    with closing(collector_of(odd, notices.append, **options)) as collector:
        return [item.data for item in read_all(collector, memory)], [notice.reason for notice in notices]


NUMBERED = {uid: b"Subject: %d\r\n\r\n" % uid for uid in (3, 5, 8, 4_000_000_000)}


def without(*uids: int) -> list[bytes]:
    return [data for uid, data in NUMBERED.items() if uid not in uids]


@pytest.mark.parametrize("fault", ["refused", "broken", "empty"])
def test_one_message_the_server_chokes_on_holds_up_no_other(fault):
    with odd_server(NUMBERED, **{fault: {5}}) as odd:
        assert collect_from(odd) == (without(5), ["unreadable"])


@pytest.mark.parametrize("fault", ["refused", "broken", "empty"])
def test_a_message_that_could_not_be_read_is_tried_again_and_the_others_are_not(fault):
    memory = RunMemory()
    with odd_server(NUMBERED, **{fault: {5}}) as odd:
        collect_from(odd, memory)
        assert collect_from(odd, memory) == ([], ["unreadable"])
        getattr(odd, fault).clear()
        assert collect_from(odd, memory) == ([NUMBERED[5]], [])
        assert collect_from(odd, memory) == ([], [])


def test_messages_next_to_each_other_that_break_the_connection_hold_up_none_behind_them():
    memory = RunMemory()
    with odd_server(NUMBERED, broken={5, 8}) as odd:
        assert collect_from(odd, memory) == (without(5, 8), ["unreadable", "unreadable"])
        assert collect_from(odd, memory) == ([], ["unreadable", "unreadable"])
        odd.broken.clear()
        assert collect_from(odd, memory) == ([NUMBERED[5], NUMBERED[8]], [])


def test_a_dozen_that_break_the_connection_hold_up_none_behind_them():
    mails = {uid: b"Subject: %d\r\n\r\n" % uid for uid in range(1, 31)}
    with odd_server(mails, broken=set(range(1, 13))) as odd:
        read, reasons = collect_from(odd)
        assert read == list(mails.values())[12:]
        assert reasons == ["unreadable"] * 12


def test_a_server_that_breaks_on_everything_is_not_asked_for_ever():
    mails = {uid: b"Subject: %d\r\n\r\n" % uid for uid in range(1, 31)}
    with odd_server(mails, broken=set(mails)) as odd:
        with pytest.raises(CollectError, match="the connection broke") as caught:
            collect_from(odd)
        assert caught.value.hint
        assert sum(command.startswith("AUTHENTICATE") for command in odd.commands) < 20


def test_a_folder_of_nothing_but_such_messages_holds_up_no_other_folder():
    memory, folders = RunMemory(), []
    mails = {uid: b"Subject: %d\r\n\r\n" % uid for uid in range(1, 11)}
    with (
        odd_server(mails, broken=set(mails), sound_folder="B") as odd,
        closing(collector_of(odd, folders=("A", "B"))) as collector,
        pytest.raises(CollectError, match="the connection broke"),
    ):
        folders.extend(item.token.split("/")[0] for item in collector.items(memory))
    assert folders == ["B"] * len(mails)


def test_a_server_that_does_not_tell_the_next_uid_is_searched_and_understood():
    memory = RunMemory()
    with odd_server(dict(NUMBERED), tells_next_uid=False) as odd:
        assert collect_from(odd, memory) == (without(), [])
        memory.tokens.clear()
        assert collect_from(odd, memory) == ([], [])
        odd.messages[4_000_000_001] = b"Subject: new\r\n\r\n"
        assert collect_from(odd, memory) == ([b"Subject: new\r\n\r\n"], [])


def test_uids_with_wide_gaps_need_one_search():
    with odd_server(NUMBERED) as odd:
        collect_from(odd)
        assert sum(command.startswith("UID SEARCH") for command in odd.commands) == 1


def test_a_server_that_renumbers_at_each_question_is_not_believed_for_ever():
    with (
        odd_server(NUMBERED, new_validity_each_time=True, refused=set(NUMBERED)) as odd,
        pytest.raises(CollectError, match="UIDVALIDITY of INBOX is another each time"),
    ):
        collect_from(odd)


def test_an_empty_folder_is_not_searched():
    with odd_server({}) as odd:
        assert collect_from(odd) == ([], [])
        assert not any("SEARCH" in command for command in odd.commands)


def test_nothing_but_reading_is_asked_of_the_server():
    with odd_server(NUMBERED) as odd:
        collect_from(odd)
        asked = {command.removeprefix("UID ").split()[0] for command in odd.commands}
        assert asked == {"CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "SEARCH", "FETCH", "LOGOUT"}
        assert all("BODY.PEEK[" in command for command in odd.commands if "BODY" in command)


def test_a_collector_that_never_connected_closes():
    source = ImapSource("localhost", "rua", Secret(env="UNSET"))
    ImapCollector(source, source.password.resolve).close()
