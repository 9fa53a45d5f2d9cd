import io
import os
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Collector, Notice
from dmarcwatch.collect.files import FileCollector, StreamCollector
from dmarcwatch.collect.mbox import messages
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, Settle, StdinSource
from dmarcwatch.errors import CollectError, ConfigError
from tests.collectors.contract import MAIL, CollectorContract, SettlingContract
from tests.collectors.memory import RunMemory, read_all

_number = count()


def files_below(path: Path) -> list[tuple]:
    """Names, contents and times: everything reading could have changed."""
    return sorted(
        (
            str(file),
            file.stat().st_mode,
            file.stat().st_mtime_ns,
            file.read_bytes() if file.is_file() else None,
        )
        for file in path.rglob("*")
    )


@dataclass
class Folder:
    path: Path

    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            (self.path / f"report-{next(_number):06}.eml").write_bytes(mail)

    def collector(self, settle: Settle = Settle.NOTHING) -> Collector:
        return open_source(FileSource(self.path, settle=settle, done=self.path.with_name("done")))

    def picture(self) -> object:
        return files_below(self.path)


class Maildir(Folder):
    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            number = next(_number)
            name = f"{1760000000 + number}.M{number}P1.mx"
            target = self.path / ("new" if number % 2 else "cur") / (name if number % 2 else f"{name}:2,F")
            target.write_bytes(mail)


class Mbox(Folder):
    """With `\\n` line ends, as Unix mail programs write them."""

    def deliver(self, *mails: bytes) -> None:
        with self.path.open("ab") as file:
            for mail in mails:
                file.write(b"From MAILER-DAEMON Fri Nov 20 08:00:00 2026\n" + mail + b"\n")

    def picture(self) -> object:
        return self.path.read_bytes(), self.path.stat().st_mtime_ns


class TestFolder(SettlingContract):
    @pytest.fixture
    def origin(self, tmp_path):
        (tmp_path / "in").mkdir()
        return Folder(tmp_path / "in")


class TestFolderThatMoves(TestFolder):
    gone_after = Settle.MOVE


class TestMaildir(SettlingContract):
    @pytest.fixture
    def origin(self, tmp_path):
        for folder in ("new", "cur", "tmp"):
            (tmp_path / "Maildir" / folder).mkdir(parents=True)
        return Maildir(tmp_path / "Maildir")


class TestMaildirThatMoves(TestMaildir):
    gone_after = Settle.MOVE


class TestMbox(CollectorContract):
    @pytest.fixture
    def origin(self, tmp_path):
        (tmp_path / "inbox").touch()
        return Mbox(tmp_path / "inbox")


# -- folders ---------------------------------------------------------------------------------------


def collect(path: Path, notices: list[Notice] | None = None, **options: object) -> list:
    notices = [] if notices is None else notices
    return read_all(open_source(FileSource(path, **options), notify=notices.append))


def names(items: list) -> list[str]:
    return [Path(item.origin).name for item in items]


def test_a_folder_is_read_with_its_folders_sorted_by_name(tmp_path):
    for name in ("b/2.xml", "b/1.xml", "a.xml", "c.xml.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert [Path(item.origin).relative_to(tmp_path).as_posix() for item in collect(tmp_path)] == [
        "a.xml",
        "c.xml.gz",
        "b/1.xml",
        "b/2.xml",
    ]


def test_hidden_files_and_folders_are_not_read(tmp_path):
    for name in (".hidden.xml", ".git/x.xml", "seen.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(collect(tmp_path)) == ["seen.xml"]


def test_a_database_beside_the_reports_is_not_taken_for_one(tmp_path):
    database = sqlite3.connect(tmp_path / "dmarcwatch.db")
    database.execute("pragma journal_mode=wal")
    database.execute("create table reports (id)")
    (tmp_path / "a.xml").write_bytes(b"x")
    (tmp_path / "notes-wal").write_bytes(b"a report with an unlucky name")
    assert sorted(file.name for file in tmp_path.glob("dmarcwatch.db*")) != ["dmarcwatch.db"]
    assert names(collect(tmp_path)) == ["a.xml", "notes-wal"]
    database.close()


def test_pipes_and_circles_in_a_folder_do_not_hang_the_run(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "a.xml").write_bytes(b"x")
    assert names(collect(tmp_path)) == ["a.xml"]


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not_opened(tmp_path):
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_bytes(b"old")
    memory = RunMemory()
    collector = open_source(FileSource(tmp_path))
    read_all(collector, memory)
    (tmp_path / "b.xml").write_bytes(b"newer")
    (tmp_path / "a.xml").chmod(0)
    assert [item.data for item in read_all(collector, memory)] == [b"newer"]


def test_a_name_that_is_no_text_is_read_and_can_be_stored(tmp_path):
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9port.xml"))).write_bytes(b"x")
    (item,) = collect(tmp_path)
    assert item.origin.encode("utf-8").endswith(rb"/r\xe9port.xml")


def test_a_file_beyond_the_budget_is_not_read_but_named_with_its_size(tmp_path):
    (tmp_path / "big.xml").write_bytes(b"x" * 1001)
    small = replace(Budgets(), max_inflated_bytes=1000)
    (item,) = read_all(FileCollector(FileSource(tmp_path), budgets=small))
    assert (item.data, item.size, item.headers_only) == (b"", 1001, False)


def test_a_file_changed_after_it_was_read_is_not_deleted(tmp_path):
    file = tmp_path / "a.xml"
    file.write_bytes(b"first")
    notices = []
    collector = open_source(FileSource(tmp_path, settle=Settle.DELETE), notify=notices.append)
    items = read_all(collector)
    file.write_bytes(b"a second report under the same name")
    collector.settle(items)
    assert file.exists()
    assert [notice.reason for notice in notices] == ["unsettled"]


def test_moving_overwrites_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    source = FileSource(tmp_path / "in", settle=Settle.MOVE, done=tmp_path / "in" / "done")
    for text in (b"one", b"two", b"three"):
        (tmp_path / "in" / "report.xml").write_bytes(text)
        collector = open_source(source)
        collector.settle(read_all(collector))
    assert sorted(file.name for file in source.done.iterdir()) == [
        "report.1.xml",
        "report.2.xml",
        "report.xml",
    ]
    assert read_all(open_source(source)) == []


def test_an_empty_file_is_said_and_is_no_item(tmp_path):
    (tmp_path / "download.xml").touch()
    notices = []
    assert collect(tmp_path, notices) == []
    assert [(notice.reason, notice.left) for notice in notices] == [("empty", False)]


def test_a_missing_path_says_so_with_a_hint(tmp_path):
    with pytest.raises(CollectError, match=r"nothing\.xml cannot be read: No such file") as caught:
        collect(tmp_path / "nothing.xml")
    assert caught.value.hint


def test_naming_the_database_as_a_source_is_explained(tmp_path):
    database = sqlite3.connect(tmp_path / "dmarcwatch.db")
    database.execute("create table reports (id)")
    database.close()
    with pytest.raises(CollectError, match="is an SQLite database"):
        collect(tmp_path / "dmarcwatch.db")


def test_files_have_no_seen_flag(tmp_path):
    with pytest.raises(ConfigError, match="cannot be marked as seen"):
        open_source(FileSource(tmp_path, settle=Settle.SEEN))


def test_moving_needs_a_place_to_move_to(tmp_path):
    with pytest.raises(ConfigError, match="name the folder `done`"):
        FileSource(tmp_path, settle=Settle.MOVE)


# A process that may read everything cannot see this; so it asks as somebody who may not.
UNREADABLE = """
import os, sys
from pathlib import Path
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.errors import CollectError
from tests.collectors.memory import read_all
if os.getuid() == 0:
    os.setuid(65534)
notices = []
try:
    for item in read_all(open_source(FileSource(Path(sys.argv[1])), notify=notices.append)):
        print("item", Path(item.origin).name)
except CollectError as error:
    print("error", error.message)
for notice in notices:
    print("notice", notice.reason, Path(notice.origin).name, notice.left)
"""


def read_as_nobody(path: Path) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", UNREADABLE, path], capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


@pytest.fixture
def shared():
    """A folder that everybody can reach; pytest's own are for their user alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_one_unreadable_file_is_said_and_costs_only_itself(shared):
    for name in ("a.xml", "b.xml", "c.xml"):
        (shared / name).write_bytes(b"x")
    (shared / "b.xml").chmod(0)
    assert read_as_nobody(shared) == ["item a.xml", "item c.xml", "notice unreadable b.xml True"]


def test_an_unreadable_folder_inside_is_said(shared):
    (shared / "a.xml").write_bytes(b"x")
    (shared / "locked").mkdir(mode=0)
    assert read_as_nobody(shared) == ["item a.xml", "notice unreadable locked True"]


def test_a_named_file_without_permission_is_an_error(shared):
    (shared / "b.xml").write_bytes(b"x")
    (shared / "b.xml").chmod(0)
    (line,) = read_as_nobody(shared / "b.xml")
    assert line.startswith("error") and line.endswith("b.xml cannot be read: Permission denied")


# -- whose word counts -----------------------------------------------------------------------------


def test_files_the_user_names_are_local_and_mailboxes_are_not(tmp_path):
    (tmp_path / "report.xml").write_bytes(b"<feedback/>")
    Mbox(tmp_path / "mbox").deliver(MAIL[0])
    for folder in ("new", "cur"):
        (tmp_path / "Maildir" / folder).mkdir(parents=True)
    local = {
        path.name: open_source(FileSource(path)).local
        for path in (tmp_path, tmp_path / "report.xml", tmp_path / "mbox", tmp_path / "Maildir")
    }
    assert local == {tmp_path.name: True, "report.xml": True, "mbox": False, "Maildir": False}
    assert open_source(FileSource(tmp_path / "mbox", trusted=True)).local
    assert not open_source(FileSource(tmp_path, trusted=False)).local


# -- Maildir ---------------------------------------------------------------------------------------


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


# -- mbox ------------------------------------------------------------------------------------------


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


# -- standard input --------------------------------------------------------------------------------


def piped(data: bytes, memory: RunMemory | None = None) -> list:
    return read_all(StreamCollector(lambda: io.BytesIO(data), "-"), memory)


def test_standard_input_is_one_item_or_the_mails_of_an_mbox():
    assert [item.data for item in piped(b"<feedback/>")] == [b"<feedback/>"]
    assert len(piped(b"From a\nSubject: 1\n\n\nFrom b\nSubject: 2\n\n")) == 2


def test_nothing_on_standard_input_is_no_item():
    assert piped(b"") == []


def test_the_same_piped_twice_is_known():
    memory = RunMemory()
    assert len(piped(b"<feedback/>", memory)) == 1
    assert piped(b"<feedback/>", memory) == []


def test_dash_reads_the_standard_input_of_the_process():
    program = (
        "from dmarcwatch.collect.opening import open_source\n"
        "from dmarcwatch.collect.address import parse_source\n"
        "from tests.collectors.memory import read_all\n"
        "print([item.data for item in read_all(open_source(parse_source('-')))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=b"<feedback/>", capture_output=True, check=True
    )
    assert ran.stdout.decode().strip() == "[b'<feedback/>']"


def test_a_named_pipe_is_read_like_standard_input(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["/bin/sh", "-c", f"echo '<feedback/>' > '{tmp_path}/pipe'"]):
        assert [item.data for item in collect(tmp_path / "pipe")] == [b"<feedback/>\n"]


def test_standard_input_has_a_name():
    assert StreamCollector(io.BytesIO, StdinSource().name).source == "-"
