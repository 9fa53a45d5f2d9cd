"""datasette-metadata.yml says what every public table, view and column means, and its queries answer."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasette.app import Datasette

from dmarcwatch.store.database import open_database
from tests.web_worlds import plausible

METADATA = yaml.safe_load((Path(__file__).parent.parent / "datasette-metadata.yml").read_text("utf-8"))
TABLES: dict[str, Any] = METADATA["databases"]["dmarcwatch"]["tables"]
QUERIES: dict[str, Any] = METADATA["databases"]["dmarcwatch"]["queries"]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metadata") / "dmarcwatch.db"
    open_database(path).close()
    return path


def columns_of(path: Path) -> dict[str, set[str]]:
    connection = sqlite3.connect(path)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    columns = {
        name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for (name,) in names
    }
    connection.close()
    return columns


def test_every_public_table_view_and_column_is_described(fresh):
    public = {name: columns for name, columns in columns_of(fresh).items() if not name.startswith("_")}
    described = {name: set(table["columns"]) for name, table in TABLES.items() if "columns" in table}
    assert described == public
    for name in public:
        assert TABLES[name]["description"], name
        assert all(TABLES[name]["columns"].values()), name


def test_the_stores_own_tables_are_hidden(fresh):
    own = {name for name in columns_of(fresh) if name.startswith("_")}
    assert {name for name, table in TABLES.items() if table.get("hidden")} == own


@pytest.mark.parametrize("name", QUERIES)
def test_every_canned_query_is_titled_and_answers(fresh, name):
    query = QUERIES[name]
    assert query["title"]
    assert query["description"]
    assert query["hide_sql"] is True
    connection = sqlite3.connect(fresh)
    assert connection.execute(query["sql"], dict.fromkeys(query.get("params", ()), "")).fetchall() == []
    connection.close()


ASKED = {
    "domain": "example.com",
    "days": "",
    "stream": "example.com/amazon-ses/us-east-1",
    "source_ip": "54.240.8.40",
    "report": "1",
}


@pytest.fixture(scope="module")
def ninety_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Up to today, because the queries count back from SQLite's own date('now').
    return plausible(tmp_path_factory.mktemp("queries") / "dmarcwatch.db", datetime.now(UTC).date())


@pytest.mark.parametrize("name", sorted(set(QUERIES) - {"contradictions"}))
def test_every_canned_query_finds_what_ninety_days_hold(ninety_days, name):
    query = QUERIES[name]
    connection = sqlite3.connect(ninety_days)
    rows = connection.execute(query["sql"], {key: ASKED[key] for key in query.get("params", ())}).fetchall()
    connection.close()
    assert rows


@pytest.mark.parametrize(
    "name", [name for name, query in QUERIES.items() if "domain" in query.get("params", ())]
)
def test_a_blank_domain_means_all_and_another_means_none(ninety_days, name):
    query = QUERIES[name]
    blank = dict.fromkeys(query["params"], "")
    connection = sqlite3.connect(ninety_days)
    every, one, none = (
        connection.execute(query["sql"], blank | {"domain": domain}).fetchall()
        for domain in ("", "example.com", "example.co")
    )
    connection.close()
    assert every == one
    assert none == []


def test_what_fails_now_is_own_mail_of_trusted_reports_alone(ninety_days):
    connection = sqlite3.connect(ninety_days)
    sql = QUERIES["failing-now"]["sql"]
    rows = connection.execute(sql, {"domain": "example.com", "days": "30"}).fetchall()
    connection.close()
    assert {(row[0], row[3]) for row in rows} == {
        ("example.com/amazon-ses/us-east-1", "amazonses-only"),
        ("example.com/amazon-ses/eu-west-1", "altered"),
    }


def test_no_facet_is_asked_for_because_they_count_table_rows():
    assert not any("facets" in table for table in TABLES.values())


def test_datasette_shows_the_descriptions_and_the_queries(fresh):
    async def pages() -> tuple[str, str]:
        datasette = Datasette([str(fresh)], metadata=METADATA)
        table = await datasette.client.get("/dmarcwatch/stream_days")
        query = await datasette.client.get("/dmarcwatch/policy-history?domain=example.com")
        assert (table.status_code, query.status_code) == (200, 200)
        return table.text, query.text

    table, query = asyncio.run(pages())
    assert TABLES["stream_days"]["columns"]["listed"] in table
    assert QUERIES["policy-history"]["title"] in query
