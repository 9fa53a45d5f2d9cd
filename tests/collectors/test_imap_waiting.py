"""Waiting for news of a mailbox, and what must not be slept through."""

import threading
from dataclasses import replace

from dmarcwatch.collect import Watcher
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import ImapSource, Security
from tests.collectors.contract import MAIL
from tests.collectors.mail_servers import PASSWORD
from tests.collectors.memory import read_all
from tests.collectors.odd_server import odd_server
from tests.collectors.wire import Wire


def soon(action, *arguments) -> threading.Timer:
    timer = threading.Timer(0.3, action, arguments)
    timer.start()
    return timer


def test_new_mail_ends_the_wait(mailbox):
    collector = mailbox.collector()
    assert isinstance(collector, Watcher)
    read_all(collector)
    mailbox.client()
    timer = soon(mailbox.deliver, MAIL[0])
    assert collector.watch(30)
    timer.join()
    assert len(read_all(collector)) == 1


def test_a_server_without_idle_is_asked(mailbox):
    collector = mailbox.collector(host=mailbox.server.few_capabilities, verify_certificate=False)
    read_all(collector)
    mailbox.client()
    timer = soon(mailbox.deliver, MAIL[0])
    assert collector.watch(1)
    timer.join()


def test_mail_that_came_between_reading_and_waiting_is_not_waited_for(mailbox):
    collector = mailbox.collector()
    read_all(collector)
    mailbox.deliver(MAIL[0])
    assert collector.watch(30)


def test_a_wait_without_news_ends(mailbox):
    collector = mailbox.collector()
    read_all(collector)
    assert not collector.watch(0.2)


def test_a_collector_that_read_nothing_yet_waits_as_well(mailbox):
    mailbox.deliver(*MAIL)
    assert not mailbox.collector().watch(0.2)


def test_the_same_news_end_one_wait_and_no_other(mailbox):
    collector = mailbox.collector()
    assert not collector.watch(0)
    mailbox.deliver(MAIL[0])
    assert collector.watch(30)
    assert not collector.watch(0.2)
    timer = soon(mailbox.deliver, MAIL[1])
    assert collector.watch(30)
    timer.join()
    assert not collector.watch(0.2)


def test_mail_that_came_while_the_connection_was_dead_is_news_once_it_is_back(mailbox):
    mailbox.deliver(MAIL[0])
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        collector = mailbox.collector(port=wire.port, security=Security.NONE, timeout_seconds=1)
        assert not collector.watch(0)
        wire.silence()
        mailbox.deliver(MAIL[1])
        assert collector.watch(1)
        assert wire.connections == 2
        mailbox.close()


def test_new_numbers_end_the_wait(mailbox):
    mailbox.deliver(MAIL[0])
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        collector = mailbox.collector(port=wire.port, security=Security.NONE, timeout_seconds=1)
        assert not collector.watch(0)

        def renumber() -> None:
            wire.hang_up()
            mailbox.renumber()

        timer = soon(renumber)
        assert collector.watch(2)
        timer.join()
        mailbox.close()


def test_a_message_that_cannot_be_read_does_not_end_every_wait():
    source = ImapSource("127.0.0.1", "rua", Secret(command=("echo", PASSWORD)), security=Security.NONE)
    with odd_server({3: MAIL[0], 5: MAIL[1]}, refused={3}) as odd:
        collector = open_source(replace(source, port=odd.port))
        read_all(collector)
        assert not collector.watch(0.2)
        collector.close()
