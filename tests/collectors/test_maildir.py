from dataclasses import replace

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, Settle
from tests.collectors.contract import MAIL, SettlingContract
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.paths import Maildir


class TestMaildir(SettlingContract):
    @pytest.fixture
    def origin(self, tmp_path):
        for folder in ("new", "cur", "tmp"):
            (tmp_path / "Maildir" / folder).mkdir(parents=True)
        return Maildir(tmp_path / "Maildir")


class TestMaildirThatMoves(TestMaildir):
    gone_after = Settle.MOVE


@pytest.fixture
def maildir(tmp_path):
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / folder).mkdir(parents=True)
    return Maildir(tmp_path / "Maildir")


def test_a_mail_is_the_same_when_its_flags_change(maildir):
    maildir.deliver(*MAIL)
    memory = RunMemory()
    read_all(maildir.collector(), memory)
    for file in list((maildir.path / "new").iterdir()):
        file.rename(maildir.path / "cur" / f"{file.name}:2,S")
    assert read_all(maildir.collector(), memory) == []


def test_a_mail_whose_flags_change_while_reading_is_still_read(maildir):
    maildir.deliver(*MAIL)
    items = maildir.collector().items(RunMemory())
    next(items)
    for file in list((maildir.path / "new").iterdir()):
        file.rename(maildir.path / "cur" / f"{file.name}:2,S")
    assert len(list(items)) == len(MAIL) - 1


def test_a_mail_that_goes_away_while_reading_is_a_notice_not_an_error(maildir):
    maildir.deliver(*MAIL)
    notices = []
    items = open_source(FileSource(maildir.path), notify=notices.append).items(RunMemory())
    next(items)
    for file in maildir.path.rglob("*.mx*"):
        file.unlink()
    assert list(items) == []
    assert [(notice.reason, notice.left) for notice in notices] == [("vanished", False)] * 2


def test_a_mail_under_delivery_in_tmp_is_not_read(maildir):
    (maildir.path / "tmp" / "1760000000.M1P1.mx").write_bytes(MAIL[0])
    assert read_all(maildir.collector()) == []


def test_marking_as_seen_keeps_the_other_flags_and_moves_out_of_new(maildir):
    (maildir.path / "new" / "1760000001.M1P1.mx").write_bytes(MAIL[0])
    (maildir.path / "cur" / "1760000002.M1P1.mx:2,FT").write_bytes(MAIL[1])
    collector = maildir.collector(Settle.SEEN)
    collector.settle(read_all(collector))
    assert sorted(str(file.relative_to(maildir.path)) for file in maildir.path.rglob("*.mx*")) == [
        "cur/1760000001.M1P1.mx:2,S",
        "cur/1760000002.M1P1.mx:2,FST",
    ]


def test_the_time_of_delivery_comes_from_the_name(maildir):
    (maildir.path / "new" / "1760000001.M1P1.mx").write_bytes(MAIL[0])
    (maildir.path / "new" / "no-time").write_bytes(MAIL[1])
    unknown, known = read_all(maildir.collector())
    assert unknown.received_at is None
    assert known.received_at.isoformat() == "2025-10-09T08:53:21+00:00"


def test_of_a_mail_beyond_the_budget_the_head_is_kept(maildir):
    maildir.deliver(b"From: a@example.net\r\n\r\n" + b"x" * 1000)
    small = replace(Budgets(), max_message_bytes=1000)
    (item,) = read_all(open_source(FileSource(maildir.path), budgets=small))
    assert (item.data, item.size, item.headers_only) == (b"From: a@example.net\r\n", 1023, True)
