"""Files of a data set that are empty, cut short or not ours: each is named, with what to do."""

import json
import os

import pytest

from dmarcwatch.errors import CollectError
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.shelf import Shelf, Written
from tests.scale.build import imported, read
from tests.scale.test_faults import Ending, EngineError, write


@pytest.fixture
def made(tmp_path):
    """A data set of four reports."""
    (tmp_path / "in").mkdir()
    for number in range(4):
        write(tmp_path / "in", number)
    read(tmp_path / "set", tmp_path / "in")
    return tmp_path / "set"


HALVES = [b"", b"[]", b"{}", b"null", b'{"items": 1', b"\xff", b'{"format": []}']


@pytest.mark.parametrize("content", HALVES)
@pytest.mark.parametrize("name", ["dataset.json", "increments/000001/manifest.json"])
def test_a_half_written_document_is_named_with_a_remedy(made, name, content):
    (made / name).write_bytes(content)
    for command in (lambda: imported(made, made.parent / "d.db"), lambda: again(made)):
        with pytest.raises(Written, match=name) as raised:
            command()
        assert "Restore it from a copy" in raised.value.hint


@pytest.mark.parametrize("content", HALVES)
def test_a_half_written_list_of_tables_is_named_where_no_size_of_it_is_known(made, content):
    manifest = made / "increments/000001/manifest.json"
    document = json.loads(manifest.read_text())
    del document["shards"]
    manifest.write_text(json.dumps(document))
    (made / "increments/000001/shards/0002.json").write_bytes(content)
    with pytest.raises(Written, match=r"shards/0002\.json is not what was written"):
        imported(made, made.parent / "d.db")


def again(made):
    """The next increment, with the same reports under other names."""
    for path in (made.parent / "in").iterdir():
        path.rename(path.with_suffix(".again.xml"))
    return read(made, made.parent / "in")


def test_a_half_written_plan_is_named_and_may_be_deleted(tmp_path):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in", 1)
    with pytest.raises(EngineError):
        read(tmp_path / "set", tmp_path / "in", engine=Ending(1))
    os.truncate(tmp_path / "set/increments/000001/plan.json", 20)
    with pytest.raises(Written, match=r"increments/000001/plan\.json") as raised:
        read(tmp_path / "set", tmp_path / "in")
    assert "Delete the folder increments/000001" in raised.value.hint


def test_a_folder_that_is_no_increment_is_named(made):
    (made / "increments" / "old").mkdir()
    for command in (lambda: imported(made, made.parent / "d.db"), lambda: again(made)):
        with pytest.raises(CollectError, match="increments/old is no increment"):
            command()


def test_a_bit_that_flipped_in_a_table_is_found(made):
    table = next((made / "stream_days").iterdir())
    data = bytearray(table.read_bytes())
    data[len(data) // 4] ^= 1
    table.write_bytes(data)
    with pytest.raises(Written, match=table.name):
        imported(made, made.parent / "d.db")


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Whoever loses power keeps what was there or what was written, and nothing in between."""
    done = []
    for name in ("fsync", "replace"):
        was = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, was=was, name=name: (done.append(name), was(*args))[1])
    Shelf(str(tmp_path)).write("a/b.json", b"{}")
    assert [step for step in done if step != "replace"] == ["fsync", "fsync"]
    assert Shelf(str(tmp_path)).names("a") == {"b.json": 2}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_a_new_data_set_is_not_made_over_a_half_written_one(made):
    (made / "dataset.json").write_bytes(b"")
    with pytest.raises(Written):
        Dataset(str(made), create=True)
