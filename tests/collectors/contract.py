"""What every collector must keep. Subclass it and give the fixture `origin`."""

from typing import Protocol

import pytest

from dmarcwatch.collect import Collector
from dmarcwatch.collect.sources import Settle
from tests.collectors.memory import RunMemory, read_all

MAIL = [
    b"From: noreply-dmarc-support@google.com\r\nSubject: Report domain: example.com\r\n\r\none\r\n",
    b"From: dmarc_support@corp.mail.ru\r\nSubject: Dmarc Aggregate Report\r\n\r\ntwo\r\n",
    b"From: dmarcreport@microsoft.com\r\nSubject: [Preview] Report Domain\r\n\r\nthree\r\n",
]


class Origin(Protocol):
    """A real mailbox, bucket or folder that a test can look into beside the collector."""

    def deliver(self, *mails: bytes) -> None:
        """Put mail there as a stranger would."""

    def collector(self, settle: Settle = Settle.NOTHING) -> Collector:
        """A collector with nothing remembered."""

    def picture(self) -> object:
        """All that somebody else could see: contents, flags, names, times."""


class CollectorContract:
    @pytest.fixture
    def filled(self, origin: Origin) -> Origin:
        origin.deliver(*MAIL)
        return origin

    def test_every_mail_becomes_an_item_with_its_bytes(self, filled):
        items = read_all(filled.collector())
        assert sorted(item.data for item in items) == sorted(MAIL)
        assert len({item.token for item in items}) == len({item.origin for item in items}) == len(MAIL)

    def test_reading_changes_nothing_at_the_origin(self, filled):
        before = filled.picture()
        read_all(filled.collector())
        assert filled.picture() == before

    def test_reading_twice_without_memory_gives_the_same(self, filled):
        collector = filled.collector()
        assert read_all(collector) == read_all(collector) == read_all(filled.collector())

    def test_what_is_stored_stays_away(self, filled):
        memory = RunMemory()
        read_all(filled.collector(), memory)
        assert read_all(filled.collector(), memory) == []

    def test_what_was_not_committed_comes_back(self, filled):
        memory = RunMemory()
        items = filled.collector().items(memory)
        memory.commit([next(items)])
        next(items)
        items.close()
        left = read_all(filled.collector(), memory)
        assert len(left) == len(MAIL) - 1

    def test_new_mail_appears_and_only_that(self, filled):
        memory = RunMemory()
        read_all(filled.collector(), memory)
        new = b"From: new@example.net\r\nSubject: Report\r\n\r\nfour\r\n"
        filled.deliver(new)
        assert [item.data for item in read_all(filled.collector(), memory)] == [new]

    def test_settling_nothing_changes_nothing(self, filled):
        collector = filled.collector()
        items = read_all(collector)
        before = filled.picture()
        collector.settle(items)
        assert filled.picture() == before

    def test_its_name_is_stable_and_it_closes_twice(self, filled):
        collector = filled.collector()
        read_all(collector)
        name = collector.source
        collector.close()
        collector.close()
        assert filled.collector().source == name

    def test_an_empty_origin_has_no_items(self, origin):
        assert read_all(origin.collector()) == []


class SettlingContract(CollectorContract):
    """What a collector must keep besides, whose origin can give an item up."""

    gone_after = Settle.DELETE

    def test_a_settled_item_is_gone_and_the_rest_is_not(self, filled):
        collector = filled.collector(self.gone_after)
        first, *rest = read_all(collector)
        collector.settle([first])
        assert [item.data for item in read_all(filled.collector())] == [item.data for item in rest]

    def test_settling_twice_is_harmless(self, filled):
        collector = filled.collector(self.gone_after)
        first, *rest = read_all(collector)
        collector.settle([first])
        collector.settle([first])
        assert [item.data for item in read_all(filled.collector())] == [item.data for item in rest]

    def test_another_run_can_settle_what_a_crashed_one_left(self, filled):
        items = read_all(filled.collector(self.gone_after))
        filled.collector(self.gone_after).settle(items)
        assert read_all(filled.collector()) == []

    def test_settling_while_reading_loses_nothing(self, filled):
        collector, memory, read = filled.collector(self.gone_after), RunMemory(), []
        for item in collector.items(memory):
            memory.commit([item])
            collector.settle([item])
            read.append(item.data)
        assert sorted(read) == sorted(MAIL)
