"""Whatever is lost, broken or in the way: the counts are right, or what is missing is said."""

import os
import resource
from contextlib import contextmanager

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.errors import CollectError, ConfigError
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.engine import EngineError, InProcess
from dmarcwatch.scale.mapping import Batch, read_batch
from dmarcwatch.scale.plan import Planner
from dmarcwatch.scale.shelf import Written
from tests.build import policy, record, report
from tests.scale.build import RECIPE, differences, fetch, imported, job, of_folder, picture, read


@pytest.fixture
def inbox(tmp_path):
    """Thirty reports on two domains in a folder."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(30):
        write(folder, number)
    return folder


def write(folder, number, *, records=1):
    domain = ("example.com", "example.net")[number % 2]
    head = report(report_id=f"r{number}", policy=policy(domain=domain))
    rows = [record(f"10.{number}.{row >> 8}.{row & 255}", 1 + row % 7) for row in range(records)]
    (folder / f"{number:03d}.xml").write_bytes(compose(head, rows))


class Before:
    """An engine that does something before the first task of a kind."""

    def __init__(self, function, act):
        self._function = function
        self._act = act

    def run(self, function, tasks):
        if function.__name__ == self._function:
            self._act()
        return InProcess().run(function, tasks)


class Ending:
    """An engine that is gone after so many tasks."""

    def __init__(self, after):
        self._left = after

    def run(self, function, tasks):
        for pair in InProcess().run(function, tasks):
            yield pair
            self._left -= 1
            if not self._left:
                raise EngineError("gone")


def same_as_fetch(tmp_path, *folders):
    fetch(tmp_path / "fetched.db", folders)
    imported(tmp_path / "set", tmp_path / "imported.db")
    return differences(picture(tmp_path / "fetched.db"), picture(tmp_path / "imported.db"))


@pytest.mark.parametrize("after", range(1, 11))
def test_a_job_that_ends_anywhere_is_finished_by_the_next(tmp_path, inbox, after):
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Ending(after), batch=5)
    assert Dataset(str(tmp_path / "set")).committed == ()
    (summary,) = read(tmp_path / "set", inbox, batch=5)
    assert summary.objects == summary.accounts.reports == 30
    assert same_as_fetch(tmp_path, inbox) == {}


def test_what_came_after_a_job_ended_is_an_increment_of_its_own(tmp_path, inbox):
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Ending(2), batch=5)
    write(inbox, 31)
    first, second = read(tmp_path / "set", inbox, batch=5)
    assert (first.objects, second.objects) == (30, 1)
    assert same_as_fetch(tmp_path, inbox) == {}


def test_a_half_written_part_is_read_again(tmp_path, inbox):
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Ending(4), batch=5)
    part = sorted((tmp_path / "set/increments/000001/parts").iterdir())[1]
    os.truncate(part, part.stat().st_size // 2)
    said = []
    again = job(tmp_path / "set", batch=5)
    (summary,) = type(again)(again.dataset, again.recipe, again.engine, 5, said.append).run(
        [of_folder(inbox)]
    )
    assert any(part.name in text and "not whole" in text for text in said)
    assert summary.accounts.reports == 30
    assert same_as_fetch(tmp_path, inbox) == {}


def test_pieces_of_a_batch_beside_the_whole_count_once(tmp_path, inbox):
    """A worker that was given up may still finish what its pieces did in the meantime."""
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Ending(2), batch=10)
    parts = tmp_path / "set/increments/000001/parts"
    assert sorted(path.name for path in parts.iterdir()) == ["000000-0000-0010", "000001-0000-0010"]
    (parts / "000000-0003-0007").write_bytes((parts / "000000-0000-0010").read_bytes())
    (summary,) = read(tmp_path / "set", inbox, batch=10)
    assert (summary.objects, summary.accounts.reports) == (30, 30)
    assert same_as_fetch(tmp_path, inbox) == {}


def test_a_broken_whole_beside_good_pieces_of_it_is_no_obstacle(tmp_path, inbox):
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Ending(1), batch=30)
    parts = tmp_path / "set/increments/000001/parts"
    (whole,) = parts.iterdir()
    planner = Planner(Dataset(str(tmp_path / "set")))
    ((number, objects),) = planner.batches(1)
    source = planner.read(1).sources[0]
    for piece in Batch(str(tmp_path / "set"), 1, number, objects, source, (), RECIPE, 3).split(8):
        read_batch(piece)
    os.truncate(whole, whole.stat().st_size // 2)
    (summary,) = read(tmp_path / "set", inbox, batch=30)
    assert summary.accounts.reports == 30
    assert same_as_fetch(tmp_path, inbox) == {}


@pytest.mark.parametrize("after", [6, 8])
def test_a_part_that_is_damaged_inside_is_read_again_by_the_next_run(tmp_path, inbox, after):
    """The job ended before (6) or between (8) two shards."""
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Ending(after), batch=5)
    part = sorted((tmp_path / "set/increments/000001/parts").iterdir())[2]
    data = bytearray(part.read_bytes())
    data[40] ^= 0xFF
    part.write_bytes(data)
    with pytest.raises(Written, match=f"{part.name} is not whole") as raised:
        read(tmp_path / "set", inbox, batch=5)
    assert "Run the command again" in raised.value.hint
    (summary,) = read(tmp_path / "set", inbox, batch=5)
    assert summary.accounts.reports == 30
    assert same_as_fetch(tmp_path, inbox) == {}


def test_a_damaged_table_is_refused_by_name(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    table = next((tmp_path / "set/stream_days").iterdir())
    os.truncate(table, table.stat().st_size - 7)
    with pytest.raises(Written, match=rf"stream_days/{table.name} has .* bytes and was written with"):
        imported(tmp_path / "set", tmp_path / "imported.db")


def test_an_object_that_vanishes_is_named_and_the_sums_agree(tmp_path, inbox):
    gone = inbox / "007.xml"
    (summary,) = read(tmp_path / "set", inbox, engine=Before("read_batch", gone.unlink))
    assert (summary.objects, summary.vanished, summary.accounts.reports) == (30, 1, 29)
    assert summary.unread == (f"{gone} went away before it was read",)
    assert same_as_fetch(tmp_path, inbox) == {}


def test_an_object_that_comes_back_is_read_then(tmp_path, inbox):
    kept = (inbox / "007.xml").read_bytes()
    read(tmp_path / "set", inbox, engine=Before("read_batch", (inbox / "007.xml").unlink))
    (inbox / "007.xml").write_bytes(kept)
    (summary,) = read(tmp_path / "set", inbox)
    assert (summary.objects, summary.accounts.reports) == (1, 1)


def test_a_source_that_is_not_there_ends_the_job_before_it_begins(tmp_path):
    with pytest.raises(CollectError, match="cannot be read"):
        read(tmp_path / "set", tmp_path / "nowhere")
    assert Dataset(str(tmp_path / "set")).begun() == []


@contextmanager
def largest_file(size):
    """As on a disk that is full: what is longer cannot be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_in_the_middle_is_said_and_made_good(tmp_path, inbox):
    write(inbox, 15, records=9000)
    with largest_file(20_000), pytest.raises(CollectError, match=r"of the 30 objects .* could not be read"):
        read(tmp_path / "set", inbox, batch=5)
    parts = tmp_path / "set/increments/000001/parts"
    assert len(list(parts.iterdir())) == 5
    (summary,) = read(tmp_path / "set", inbox, batch=5)
    assert summary.accounts.reports == 30
    assert same_as_fetch(tmp_path, inbox) == {}


def test_a_full_disk_while_summing_up_is_said_and_made_good(tmp_path, inbox):
    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(CollectError, match="cannot be written"):
            read(tmp_path / "set", inbox, engine=Before("reduce_shard", fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    read(tmp_path / "set", inbox)
    assert same_as_fetch(tmp_path, inbox) == {}


def test_the_number_of_shards_stays_what_it_was(tmp_path, inbox):
    read(tmp_path / "set", inbox, shards=3)
    with pytest.raises(ConfigError, match="3 shards, not 5"):
        Dataset(str(tmp_path / "set"), shards=5)
