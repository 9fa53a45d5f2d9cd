"""Monitoring sees when nobody would hear: channels that are down, and announcing that fails by itself."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from dmarcwatch.metrics import render
from dmarcwatch.store import announced
from dmarcwatch.store.gauges import gauges
from tests.database import fresh, rows
from tests.notify.build import NOW, TODAY
from tests.notify.servers import free_port, hook
from tests.notify.test_fetch_tells import Place
from tests.test_metrics import read


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def failing(place, hours):
    """Let the channels have failed for so long."""
    with closing(sqlite3.connect(place.folder / "d.db")) as connection:
        since = f"strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-{hours} hours')"
        connection.execute(f"UPDATE channels SET failing_since = {since} WHERE failing_since IS NOT NULL")
        connection.commit()


def figures(place):
    done = place.run("metrics")
    assert done.exit_code == 0
    return read(done.stdout)


def test_a_channel_that_is_down_for_two_days_is_seen_by_status_and_one_of_yesterday_is_not(place):
    place.configure(("phone", f"json://127.0.0.1:{free_port()}/s3cr3t-t0ken"))
    place.run("fetch")
    failing(place, 47)
    assert place.run("status").exit_code == 0
    failing(place, 49)
    done = place.run("status")
    assert done.exit_code == 4
    assert done.stdout.startswith("Needs a look: the channel phone has taken nothing since ")
    assert "1 message waits: " in done.stdout.splitlines()[0]
    assert "s3cr3t" not in done.output


def test_a_channel_that_works_again_is_well_again(place):
    with hook() as endpoint:
        endpoint.mode = "broken"
        place.configure(("hook", endpoint.url))
        place.run("fetch")
        failing(place, 72)
        assert place.run("status").exit_code == 4
        endpoint.mode = "ok"
        assert place.run("notify").exit_code == 0
        assert place.run("status").exit_code == 0


def test_metrics_say_since_when_a_channel_fails_and_how_much_waits(place):
    with hook() as endpoint:
        place.configure(
            ("good", endpoint.url.replace("hooks", "other")), ("gone", f"json://127.0.0.1:{free_port()}/")
        )
        place.run("fetch")
    failing(place, 49)
    found = figures(place)
    waiting = found["dmarcwatch_channel_waiting_alerts"]
    assert waiting[(("channel", "good"),)] == 0 < waiting[(("channel", "gone"),)]
    [labels] = found["dmarcwatch_channel_failing_since_timestamp_seconds"]
    assert labels == (("channel", "gone"),)
    assert found["dmarcwatch_announcing_failed"] == {(): 0}


def test_a_channel_that_was_taken_out_of_the_configuration_is_no_matter(place):
    place.configure(("phone", f"json://127.0.0.1:{free_port()}/"))
    place.run("fetch")
    failing(place, 72)
    place.configure()
    assert place.run("status").exit_code == 0
    assert not [name for name in figures(place) if "channel" in name or "announcing" in name]


def spoil(place):
    """Let a verdict be stored that announcing stumbles over, as over a mistake of its own."""
    with closing(sqlite3.connect(place.folder / "d.db")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(verdicts)") if row[1] != "id"]
        given = {"domain": "'broken.example'", "document": "'{}'"}
        values = ", ".join(given.get(name, name) for name in columns)
        connection.execute(
            f"INSERT INTO verdicts ({', '.join(columns)}) SELECT {values} FROM verdicts LIMIT 1"
        )
        connection.commit()


def test_a_mistake_in_announcing_costs_the_fetch_nothing_and_status_says_it_until_it_is_mended(place):
    with hook() as endpoint:
        place.configure(("hook", endpoint.url))
        assert place.run("fetch").exit_code == 0
        spoil(place)
        (place.folder / "reports" / "junk.xml").write_bytes(b"<html>no report</html>")
        done = place.run("fetch")
        assert done.exit_code == 6
        assert done.stdout.startswith("1 item: 0 reports stored, ")
        assert "dmarcwatch: alerts: a mistake in the program, " in done.stderr
        assert "KeyError" in done.stderr
        assert "Traceback" not in done.stderr
        shown = place.run("status")
        assert shown.exit_code == 4
        assert shown.stdout.startswith("Needs a look: no alerts have been sent since ")
        assert figures(place)["dmarcwatch_announcing_failed"] == {(): 1}
        with closing(sqlite3.connect(place.folder / "d.db")) as connection:
            connection.execute("DELETE FROM verdicts WHERE domain = 'broken.example'")
            connection.commit()
        assert place.run("fetch").exit_code == 0
        assert place.run("status").exit_code == 0


def test_with_verbose_the_place_of_a_mistake_is_shown_in_full(place):
    place.configure(("hook", "json://127.0.0.1:1/"))
    place.run("fetch")
    spoil(place)
    assert "Traceback" in place.run("-v", "fetch").stderr


def test_the_first_failure_in_a_row_says_since_when(tmp_path):
    with fresh(tmp_path / "a.db") as database:
        announced.note_failure(database.conn, "first", NOW)
        announced.note_failure(database.conn, "second", NOW + timedelta(days=1))
        assert announced.trouble(database.conn) == ("2026-11-20T12:00:00Z", "second")
        assert rows(database, "SELECT count(*) FROM _announcing") == [(1,)]
        assert announced.unheard(database.conn, ["a"], NOW) == (
            "no alerts have been sent since 2026-11-20T12:00:00Z: second",
        )
        assert announced.unheard(database.conn, [], NOW) == ()
        assert "announcing_failed 1" in render(gauges(database.conn, TODAY, channels=["a"]))
        announced.note_success(database.conn)
        assert announced.trouble(database.conn) is None
