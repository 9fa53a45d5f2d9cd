import os
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect.batches import MAX_HEAD_BYTES
from dmarcwatch.collect.files import FileCollector
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, Settle
from dmarcwatch.errors import CollectError, ConfigError
from tests.collectors.contract import MAIL, SettlingContract
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.paths import Folder, Mbox, collect


class TestFolder(SettlingContract):
    @pytest.fixture
    def origin(self, tmp_path):
        (tmp_path / "in").mkdir()
        return Folder(tmp_path / "in")


class TestFolderThatMoves(TestFolder):
    gone_after = Settle.MOVE


# -- folders ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "size", [1, MAX_HEAD_BYTES - 1, MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1, 3 * MAX_HEAD_BYTES]
)
def test_a_file_of_any_size_is_read_to_its_end(tmp_path, size):
    data = bytes(range(1, 251)) * (size // 250 + 1)
    (tmp_path / "a.gz").write_bytes(data[:size])
    (item,) = collect(tmp_path)
    assert item.data == data[:size]


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
