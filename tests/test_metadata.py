"""datasette-metadata.yml says what every public table, view and column means, and its queries answer."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasette.app import Datasette

from dmarcwatch.store.database import open_database

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
