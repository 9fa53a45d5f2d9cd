import io
import os

import pytest

from dmarcwatch.collect.mbox import messages
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, Settle
from tests.collectors.contract import MAIL, CollectorContract
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.paths import Mbox, collect


class TestMbox(CollectorContract):
    @pytest.fixture
    def origin(self, tmp_path):
        (tmp_path / "inbox").touch()
        return Mbox(tmp_path / "inbox")


def split(data: bytes, max_bytes: int = 10_000) -> list[bytes]:
    return [message.data for message in messages(io.BytesIO(data), max_bytes)]


def test_an_mbox_is_split_at_from_lines_and_quoting_is_taken_off_once():
    data = (
        b"From a@example.net Fri Nov 20 08:00:00 2026\nSubject: 1\n\n>From me\n>>From you\n\n"
        b"From b@example.net Fri Nov 20 08:00:01 2026\nSubject: 2\n\ntext\n\n"
    )
    assert split(data) == [b"Subject: 1\n\nFrom me\n>From you\n", b"Subject: 2\n\ntext\n"]


def test_prose_that_begins_with_from_does_not_cut_a_mail():
    mail = b"Subject: 1\n\nHello.\n\nFrom here on it is prose\nwithout a field\n"
    assert split(b"From a Fri Nov 20 08:00:00 2026\n" + mail) == [mail]


def test_a_from_line_without_an_empty_line_before_it_is_text():
    data = b"From a Fri Nov 20 08:00:00 2026\nSubject: 1\n\ntext\nFrom: not this\nFrom nor this\nX: y\n"
    assert len(split(data)) == 1


def test_crlf_and_a_quoted_from_line_in_front_are_understood():
    data = b"From a Fri Nov 20 08:00:00 2026\r\n>From b remote from c\r\nSubject: 1\r\n\r\nx\r\n\r\n" * 2
    assert split(data) == [b"From b remote from c\r\nSubject: 1\r\n\r\nx\r\n"] * 2


def test_a_mail_that_ends_the_file_without_a_line_end_is_whole():
    assert split(b"From a\nSubject: 1\n\nend") == [b"Subject: 1\n\nend"]


def test_a_line_without_end_does_not_fill_the_memory_and_is_not_taken_for_quoting():
    long = b"x" * 65536 + b">From y"
    assert split(b"From a\nSubject: 1\n\n" + long, 100_000) == [b"Subject: 1\n\n" + long]


def test_of_a_mail_too_large_in_an_mbox_the_head_and_the_size_are_kept():
    big = b"Subject: 1\n\n" + b"line\n" * 100_000
    (found, following) = messages(io.BytesIO(b"From a\n" + big + b"\nFrom b\nSubject: 2\n\n"), 1000)
    assert (found.data, found.size) == (b"Subject: 1\n", len(big) + 1)
    assert (following.data, following.size) == (b"Subject: 2\n", None)


def test_text_that_only_begins_like_an_mbox_is_one_item(tmp_path):
    (tmp_path / "letter.txt").write_bytes(b"From the desk of the postmaster\n\nno fields here\n")
    assert len(collect(tmp_path / "letter.txt")) == 1


def test_an_unchanged_mbox_is_not_read_again(tmp_path):
    mbox, memory = Mbox(tmp_path / "mbox"), RunMemory()
    mbox.deliver(*MAIL)
    read_all(mbox.collector(), memory)
    memory.tokens.clear()  # only the position keeps it from being read now
    assert read_all(mbox.collector(), memory) == []


def test_an_mbox_replaced_by_another_of_the_same_size_is_read(tmp_path):
    mbox, memory = Mbox(tmp_path / "mbox"), RunMemory()
    mbox.deliver(MAIL[0])
    read_all(mbox.collector(), memory)
    mbox.path.unlink()
    other = MAIL[0].replace(b"one", b"two")
    mbox.deliver(other)
    os.utime(mbox.path, ns=(0, 0))
    assert [item.data for item in read_all(mbox.collector(), memory)] == [other]


def test_an_mbox_half_read_goes_on_where_it_was(tmp_path):
    mbox, memory = Mbox(tmp_path / "mbox"), RunMemory()
    mbox.deliver(*MAIL)
    items = mbox.collector().items(memory)
    memory.commit([next(items)])
    items.close()
    assert [item.data for item in read_all(mbox.collector(), memory)] == MAIL[1:]


def test_a_mail_of_an_mbox_is_not_deleted_and_that_is_said(tmp_path):
    mbox, notices = Mbox(tmp_path / "mbox"), []
    mbox.deliver(*MAIL)
    collector = open_source(FileSource(mbox.path, settle=Settle.DELETE), notify=notices.append)
    before = mbox.picture()
    collector.settle(read_all(collector))
    assert mbox.picture() == before
    assert len(notices) == len(MAIL)
