"""What a database holds after `import`, and what it refuses then."""

import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.errors import StoreError
from dmarcwatch.rebuild import rebuild_facts, rebuild_judgements, retry_rejects
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.importing import Wanted, import_dataset
from dmarcwatch.scale.shelf import Written
from dmarcwatch.store.database import open_database
from dmarcwatch.store.imported import has_sums_alone
from tests.build import policy, record, report
from tests.database import rules
from tests.scale.build import SENDERS, fetch, imported, read
from tests.scale.test_cli import run


@pytest.fixture
def inbox(tmp_path):
    """Four reports on two domains in a folder."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(4):
        deliver(folder, number)
    return folder


def deliver(folder, number):
    head = report(report_id=f"r{number}", policy=policy(domain=f"d{number % 2}.example"))
    (folder / f"{number}.xml").write_bytes(compose(head, [record(f"10.0.0.{number}")]))


def messages(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT (SELECT sum(messages) FROM stream_days), (SELECT sum(messages) FROM domain_days)"
        ).fetchone()


@pytest.fixture
def sums_alone(tmp_path, inbox):
    """A database imported without the list of reports."""
    read(tmp_path / "set", inbox)
    imported(tmp_path / "set", tmp_path / "d.db", Wanted(reports=False))
    assert messages(tmp_path / "d.db") == (12, 12)
    return tmp_path / "d.db"


def test_rebuild_keeps_figures_that_came_without_their_reports(sums_alone):
    with closing(open_database(sums_alone)) as database:
        rebuild_judgements(database, rules())
    assert messages(sums_alone) == (12, 12)


@pytest.mark.parametrize("reread", [rebuild_facts, retry_rejects])
def test_nothing_is_read_anew_beside_figures_without_reports(sums_alone, reread):
    with closing(open_database(sums_alone)) as database, pytest.raises(StoreError, match="count twice"):
        reread(database, rules())
    assert messages(sums_alone) == (12, 12)


def test_fetch_refuses_a_database_that_knows_no_imported_report(sums_alone, inbox):
    done = run("fetch", inbox, database=sums_alone)
    assert (done.returncode, messages(sums_alone)) == (5, (12, 12))
    assert "without --without-reports" in done.stderr


def test_an_import_with_reports_makes_fetch_welcome_again(sums_alone, tmp_path, inbox):
    imported(tmp_path / "set", sums_alone)
    deliver(inbox, 4)
    assert run("fetch", inbox, database=sums_alone).returncode == 0
    assert messages(sums_alone) == (15, 15)


@pytest.mark.parametrize("reports", [True, False])
def test_what_an_older_program_imported_is_known_by_its_source(tmp_path, inbox, reports):
    read(tmp_path / "set", inbox)
    imported(tmp_path / "set", tmp_path / "d.db", Wanted(reports=reports))
    with closing(sqlite3.connect(tmp_path / "d.db")) as connection, connection:
        connection.execute("DROP TABLE _imported")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'imported_data_sets'")
    with closing(open_database(tmp_path / "d.db")) as database:
        assert has_sums_alone(database.conn) is not reports


@pytest.mark.parametrize("harm", [lambda note: note.unlink(), lambda note: os.truncate(note, 10)])
def test_a_lost_list_of_tables_is_said_by_whoever_needs_it(tmp_path, inbox, harm):
    read(tmp_path / "set", inbox)
    for note in (tmp_path / "set/increments/000001/shards").iterdir():
        harm(note)
    with pytest.raises(Written, match=r"increments/000001/shards/0000\.json"):
        imported(tmp_path / "set", tmp_path / "d.db")
    shutil.copy(inbox / "0.xml", inbox / "again.xml")
    with pytest.raises(Written, match=r"increments/000001/shards/000\d\.json"):
        read(tmp_path / "set", inbox)


def test_a_data_set_of_before_manifests_listed_shards_is_imported(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    manifest = tmp_path / "set/increments/000001/manifest.json"
    document = json.loads(manifest.read_text())
    assert len(document.pop("shards")) == 3
    manifest.write_text(json.dumps(document))
    assert imported(tmp_path / "set", tmp_path / "d.db").reports == 4


def test_what_is_not_what_the_manifests_say_is_not_imported(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    manifest = tmp_path / "set/increments/000001/manifest.json"
    manifest.write_text(manifest.read_text().replace('"reports": 4,', '"reports": 5,'))
    with pytest.raises(Written, match="holds 4 reports with 12 messages, and its manifests say 5 with 12"):
        imported(tmp_path / "set", tmp_path / "d.db")
    assert messages(tmp_path / "d.db") == (None, None)


def test_a_table_that_is_gone_is_said_with_what_to_do(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    shutil.rmtree(tmp_path / "set/stream_days")
    with pytest.raises(Written, match=r"stream_days/000001-000\d\.parquet is gone") as raised:
        imported(tmp_path / "set", tmp_path / "d.db")
    assert "Restore it" in raised.value.hint


def copied(tmp_path):
    """Another data set under the same name in another folder."""
    (tmp_path / "other" / "in").mkdir(parents=True)
    deliver(tmp_path / "other" / "in", 7)
    read(tmp_path / "other" / "set", tmp_path / "other" / "in")


@pytest.mark.parametrize("spelled", ["{}/", "{}/../set", "set", "./set", "moved"])
def test_a_data_set_is_known_however_its_path_is_spelled(tmp_path, inbox, monkeypatch, spelled):
    read(tmp_path / "set", inbox)
    imported(tmp_path / "set", tmp_path / "d.db")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moved").symlink_to("set")
    with closing(open_database(tmp_path / "d.db")) as database:
        found = import_dataset(database.conn, Dataset(spelled.format(tmp_path / "set")), SENDERS, Wanted())
    assert found.reports == 4


def test_another_data_set_of_the_same_name_is_refused(tmp_path, inbox, monkeypatch):
    read(tmp_path / "set", inbox)
    copied(tmp_path)
    monkeypatch.chdir(tmp_path)
    with closing(open_database(tmp_path / "d.db")) as database:
        import_dataset(database.conn, Dataset("set"), SENDERS, Wanted())
        monkeypatch.chdir(tmp_path / "other")
        with pytest.raises(StoreError, match=rf"another data set \({tmp_path}/set\)") as raised:
            import_dataset(database.conn, Dataset("set"), SENDERS, Wanted())
    assert "--db" in raised.value.hint
    assert "import /" not in raised.value.message


def test_a_data_set_without_id_is_known_by_its_place_and_gets_one_with_the_next_increment(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    (tmp_path / "set/dataset.json").write_text('{"format": 1, "shards": 3}')
    imported(tmp_path / "set", tmp_path / "d.db")
    deliver(inbox, 5)
    read(tmp_path / "set", inbox)
    identity = Dataset(str(tmp_path / "set")).id
    assert identity is not None
    assert imported(tmp_path / "set", tmp_path / "d.db").reports == 5
    (tmp_path / "set").rename(tmp_path / "moved")
    assert Dataset(str(tmp_path / "moved")).id == identity
    assert imported(tmp_path / "moved", tmp_path / "d.db").reports == 5


def test_a_fetch_that_brought_nothing_but_duplicates_is_no_obstacle(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    imported(tmp_path / "set", tmp_path / "d.db")
    assert fetch(tmp_path / "d.db", [inbox.rename(tmp_path / "elsewhere")]).duplicates == 4
    assert imported(tmp_path / "set", tmp_path / "d.db").reports == 4
    assert messages(tmp_path / "d.db") == (12, 12)


def test_a_fetch_that_brought_a_report_is_not_imported_over(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    imported(tmp_path / "set", tmp_path / "d.db")
    deliver(inbox, 6)
    fetch(tmp_path / "d.db", [inbox])
    with pytest.raises(StoreError, match="holds 1 item that `fetch` stored") as raised:
        imported(tmp_path / "set", tmp_path / "d.db")
    assert "read those sources with `scale`" in raised.value.hint
    assert messages(tmp_path / "d.db") == (15, 15)
