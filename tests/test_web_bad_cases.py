"""Pages on empty, hostile, crowded, old and foreign databases: each says what is so, and none fails."""

import asyncio
import shlex
import sqlite3
from pathlib import Path

import pytest
from datasette.app import Datasette

from dmarcwatch.store.database import open_database
from tests import web_worlds
from tests.web_client import get, get_all, read, url
from tests.web_worlds import DOMAIN, HOSTILE, LONG

STREAM = f"{DOMAIN}/amazon-ses/eu-west-1"
FORGOTTEN_STREAM = f"{DOMAIN}/amazon-ses/us-east-1"


def every_page(domain: str = DOMAIN, stream: str = STREAM) -> list[str]:
    whatever = {"p": "reject", "sp": "none", "adkim": "s", "aspf": "s"}
    return [
        "/",
        url(),
        url("domain", name=domain),
        url("domain", name=domain, days=365),
        url("domain", name=domain, **whatever),
        url("stream", id=stream),
        url("stream", id=stream, days=30),
        url("reporters"),
        url("reporters", domain=domain),
        url("inbox"),
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return web_worlds.plausible(tmp_path_factory.mktemp("web") / "dmarcwatch.db")


def test_an_empty_database_says_so_on_every_page(tmp_path):
    path = tmp_path / "empty.db"
    open_database(path).close()
    pages = get_all(path, every_page())
    assert [page.status_code for page in pages] == [200, 200, 404, 404, 404, 404, 404, 200, 404, 200]
    assert "No reports yet" in pages[0].text
    assert "dmarcwatch fetch" in pages[0].text
    assert "Nothing was fetched yet" in pages[-1].text


def test_one_report_is_enough_for_every_page(tmp_path):
    pages = get_all(web_worlds.one_report(tmp_path / "one.db"), every_page())
    assert {page.status_code for page in pages} == {200}
    assert "1 domain: 1 not judged" in pages[0].text
    assert "Not judged yet" in pages[2].text


def test_a_page_of_one_domain_shows_nothing_of_another(tmp_path):
    path = web_worlds.two_domains(tmp_path / "two.db")
    mine = f"{DOMAIN}/amazon-ses/region-of-{DOMAIN}"
    pages = get_all(path, [*every_page(stream=mine)[2:7], url("reporters", domain=DOMAIN)])
    for page in pages:
        text = page.text.replace('<option value="other.example"></option>', "")
        assert page.status_code == 200
        assert "other.example" not in text
        assert "secret-reporter" not in text


def test_a_domain_nobody_reported_on_is_not_found_and_names_no_other(tmp_path):
    path = web_worlds.two_domains(tmp_path / "two.db")
    for page in get_all(path, [url("domain", name="EXAMPLE"), url("stream", id="other"), url("domain")]):
        assert page.status_code == 404
        assert "secret-reporter" not in page.text
        assert "other.example" not in page.text


def test_four_hundred_streams_are_shown_by_the_largest_and_counted(tmp_path):
    page = read(get(web_worlds.crowded(tmp_path / "crowded.db"), "domain", name=DOMAIN))
    assert "50 of 400 senders" in page.text
    assert "No message known to be yours would be lost, and 401,000 of unknown senders." in page.text
    assert "394 others" in page.text
    assert "Unknown, net 399" in page.text
    assert "Unknown, net 3 " not in page.text


def test_nothing_a_stranger_wrote_becomes_markup_or_a_link(tmp_path):
    path = web_worlds.hostile(tmp_path / "hostile.db")
    identity = sqlite3.connect(path).execute("SELECT id FROM streams").fetchone()[0]
    for page in get_all(path, every_page(LONG, identity)):
        html = read(page)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert not [link for link in html.links if not link.startswith(("/", "#"))]
        assert not [
            name for _, attrs in html.tags for name in attrs if name.startswith("on") or name == "style"
        ]
        assert {attrs.get("src", "").partition("?")[0] for tag, attrs in html.tags if tag == "script"} <= {
            "/-/static-plugins/dmarcwatch/pages.js",
            "/-/static-plugins/dmarcwatch/vendor/d3-7.9.2.min.js",
            "/-/static-plugins/dmarcwatch/vendor/plot-0.6.17.umd.min.js",
        }
        assert "49" not in html.text.replace("2049", "") or "{{7*7}}" in html.text


def test_a_strangers_text_is_shown_as_it_is(tmp_path):
    path = web_worlds.hostile(tmp_path / "hostile.db")
    for page in get_all(path, [url("inbox"), url("reporters"), url("domain", name=LONG)]):
        assert HOSTILE in read(page).text


def test_label_commands_quote_what_strangers_wrote(tmp_path):
    path = web_worlds.hostile(tmp_path / "hostile.db")
    identity = sqlite3.connect(path).execute("SELECT id FROM streams").fetchone()[0]
    page = read(get(path, "stream", id=identity))
    command = next(attrs["data-command"] for _, attrs in page.tags if "data-command" in attrs)
    assert shlex.split(command) == ["dmarcwatch", "label", identity, "owned"]


def test_datasettes_own_tables_make_no_links_of_what_reports_say(tmp_path):
    path = web_worlds.hostile(tmp_path / "hostile.db")
    for page in get_all(
        path, ["/hostile/reports", "/hostile/problems", "/hostile?sql=select+org_name+from+reports"]
    ):
        assert page.status_code == 200
        assert "https://evil.example/" in page.text
        assert not [link for link in read(page).links if "evil.example" in link.partition("?")[0]]


def test_a_database_that_is_being_written_is_read_as_it_was_committed(tmp_path):
    path = web_worlds.two_domains(tmp_path / "busy.db")
    writer = open_database(path).conn
    before = read(get(path, "domain", name=DOMAIN)).text
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM _stream_days")
    assert read(get(path, "domain", name=DOMAIN)).text == before
    writer.execute("ROLLBACK")
    writer.close()


def test_an_older_layout_is_named_with_what_to_do(tmp_path):
    path = web_worlds.one_report(tmp_path / "old.db")
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM _sqlite_migrations")
    connection.execute("ALTER TABLE streams DROP COLUMN notes")
    connection.commit()
    connection.close()
    page = get(path, "domain", name=DOMAIN)
    assert page.status_code == 200
    assert "An older database" in page.text


def test_a_newer_layout_is_left_alone(tmp_path):
    path = web_worlds.one_report(tmp_path / "new.db")
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('dmarcwatch', 'later', '2030')"
    )
    connection.commit()
    connection.close()
    assert "A newer database" in get(path).text


def test_a_verdict_of_a_later_kind_is_still_shown(tmp_path):
    path = web_worlds.two_domains(tmp_path / "later.db")
    connection = sqlite3.connect(path)
    connection.execute("""UPDATE verdicts SET verdict = 'sideways', document =
        '{"verdict": "sideways", "blockers": [{"gate": "odd-gate", "message": "Look."}]}'""")
    connection.commit()
    connection.close()
    for page in get_all(path, [url(), url("domain", name=DOMAIN)]):
        assert page.status_code == 200
        assert "sideways" in page.text


def test_plain_datasette_shows_the_pages_beside_other_databases(world, tmp_path):
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (link)")
    connection.execute("INSERT INTO t VALUES ('https://example.com/')")
    connection.commit()
    connection.close()

    async def pages() -> list[str]:
        datasette = Datasette([str(other), str(world)])
        return [(await datasette.client.get(each)).text for each in (url(), "/", "/other/t", "/dmarcwatch")]

    home, index, table, database = asyncio.run(pages())
    assert "1 not ready" in home
    assert "not ready" not in index
    assert 'href="https://example.com/"' in table
    assert 'href="/-/dmarcwatch"' in database


def test_two_databases_of_ours_are_kept_apart(world, tmp_path):
    second = web_worlds.two_domains(tmp_path / "second.db")

    async def pages() -> list[str]:
        datasette = Datasette([str(world), str(second)])
        return [(await datasette.client.get(url(**values))).text for values in ({}, {"db": "second"})]

    first, other = (page for page in asyncio.run(pages()))
    assert "other.example" not in first
    assert "other.example" in other
    assert "name=other.example&amp;db=second" in other


def test_who_may_not_see_the_database_may_not_see_its_pages(world):
    async def page() -> int:
        datasette = Datasette([str(world)], metadata={"databases": {"dmarcwatch": {"allow": {"id": "root"}}}})
        return (await datasette.client.get(url())).status_code

    assert asyncio.run(page()) == 403


def test_without_a_database_of_ours_the_pages_say_so():
    async def page() -> tuple[int, str]:
        response = await Datasette(memory=True).client.get(url())
        return response.status_code, response.text

    status, text = asyncio.run(page())
    assert status == 404
    assert "No database of dmarcwatch" in text


def test_our_pages_forbid_inline_scripts_and_foreign_sources_and_datasettes_keep_theirs(world):
    ours, theirs = get_all(world, [url(), "/dmarcwatch"])
    policy = ours.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "content-security-policy" not in theirs.headers
