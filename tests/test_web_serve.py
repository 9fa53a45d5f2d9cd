"""`dmarcwatch serve`: which door is open to whom, and that the database is only read."""

import asyncio
import signal
import socket
import sqlite3
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.serve import Listen, app, guard, serve
from dmarcwatch.store.database import open_database

SERVER = """
import sys
from pathlib import Path
from dmarcwatch.serve import Listen, serve
serve(Path(sys.argv[1]), Listen(port=0), announce=lambda url: print(url, flush=True))
"""


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "reports of ours.db"
    open_database(path).close()
    return path


def answer(path: Path, listen: Listen, url: str, **headers: str) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(guard(app(path, base_url=listen.base_url).app(), listen))
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(url, headers=headers)

    return asyncio.run(get())


def basic(password: str) -> str:
    return "Basic " + b64encode(f"me:{password}".encode()).decode()


@pytest.mark.parametrize("name", ["dmarcwatch.db", "reports of ours.db", "a.b.sqlite"])
def test_descriptions_and_queries_follow_the_name_of_the_file(tmp_path, name):
    path = tmp_path / name
    open_database(path).close()

    async def pages() -> list[httpx.Response]:
        datasette = app(path)
        table = datasette.urls.table(path.stem, "streams")
        query = datasette.urls.query(path.stem, "policy-history")
        return [await datasette.client.get(url) for url in (table, query)]

    table, query = asyncio.run(pages())
    assert "Organisations that reported on it" in table.text
    assert "What reporters saw published" in query.text


def test_the_database_cannot_be_written_or_downloaded_through_the_pages(empty):
    async def attempt() -> tuple[int, int]:
        datasette = app(empty)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await datasette.get_database().execute_fn(
                lambda connection: connection.execute("INSERT INTO labels DEFAULT VALUES")
            )
        base = datasette.urls.database(datasette.get_database().name)
        download = await datasette.client.get(f"{base}.db")
        write = await datasette.client.get(f"{base}?sql=delete+from+reports", follow_redirects=True)
        return download.status_code, write.status_code

    assert asyncio.run(attempt()) == (403, 400)


def test_a_host_that_others_reach_needs_a_password(empty):
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0 can be reached from other machines"):
        serve(empty, Listen(host="0.0.0.0", port=0))


def test_with_a_password_only_those_who_know_it_come_in(empty):
    listen = Listen(host="0.0.0.0", password="korrekt käse")
    url = "http://pages.example.net/-/versions.json"
    assert answer(empty, listen, url).status_code == 401
    assert answer(empty, listen, url, authorization=basic("wrong")).status_code == 401
    assert answer(empty, listen, url, authorization="Basic %%%").status_code == 401
    assert answer(empty, listen, url, authorization="Bearer x").status_code == 401
    assert answer(empty, listen, url, authorization=basic("korrekt käse")).status_code == 200


def test_on_loopback_a_foreign_host_name_is_refused_so_that_rebinding_reads_nothing(empty):
    for host in ("127.0.0.1", "localhost", "[::1]", "127.0.0.1:8001"):
        assert answer(empty, Listen(), f"http://{host}/-/versions.json").status_code == 200
    assert answer(empty, Listen(), "http://evil.example/-/versions.json").status_code == 421
    assert answer(empty, Listen(), "http://127.0.0.1.evil.example/-/versions.json").status_code == 421
    proxied = Listen(names=("dmarc.example.net",))
    assert answer(empty, proxied, "http://dmarc.example.net/-/versions.json").status_code == 200


def test_a_path_prefix_is_kept_in_the_links(empty):
    page = answer(empty, Listen(base_url="/dmarc/"), "http://127.0.0.1/dmarc/reports+of+ours")
    assert page.status_code == 200
    assert "/dmarc/reports+of+ours/streams" in page.text


def test_a_missing_file_and_another_programs_file_are_refused_by_name(tmp_path):
    with pytest.raises(StoreError, match="There is no database"):
        app(tmp_path / "missing.db")
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StoreError, match="not a database of dmarcwatch"):
        app(other)


def test_a_taken_port_is_said_with_what_to_do(empty):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError) as raised:
        serve(empty, Listen(port=taken.getsockname()[1]))
    assert "cannot be served on" in raised.value.message
    assert "another port" in raised.value.hint


def test_serve_announces_an_address_that_answers_and_ends_quietly_when_interrupted(empty):
    command = [sys.executable, "-c", SERVER, empty]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip()
            assert httpx.get(f"{url}-/versions.json", timeout=30).status_code == 200
        finally:
            server.send_signal(signal.SIGINT)
        assert server.communicate(timeout=60)[1] == ""
    assert server.returncode == 0


def test_what_takes_long_to_count_is_shown_without_its_total(empty):
    connection = sqlite3.connect(empty)
    connection.execute(
        "CREATE VIEW endless AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
    )
    connection.close()

    async def pages() -> tuple[httpx.Response, dict[str, int | None]]:
        datasette = app(empty)
        # Ten minutes: without a limit of its own the count would take them all.
        datasette._settings["sql_time_limit_ms"] = 600_000
        database = datasette.get_database()
        view = datasette.urls.table(database.name, "endless")
        return await datasette.client.get(view), await database.table_counts()

    page, counts = asyncio.run(pages())
    assert page.status_code == 200
    assert page.text.count('<td class="col-n') == 100
    assert counts["labels"] == 0
    assert counts["_raw"] is None
