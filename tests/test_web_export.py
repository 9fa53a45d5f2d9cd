"""The pages as files: complete among themselves, and in need of nobody else."""

import shutil
import sqlite3
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from dmarcwatch.cli import main
from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.serve import write_files
from dmarcwatch.store.database import open_database
from dmarcwatch.web.export import file_name
from tests import web_worlds
from tests.web_build import AS_OF
from tests.web_client import Html, url
from tests.web_worlds import DOMAIN

WORLDS = [web_worlds.plausible, web_worlds.two_domains, web_worlds.hostile, web_worlds.one_report]
CHROMIUM = shutil.which("chromium")


def written(database: Path, folder: Path) -> Path:
    write_files(database, folder, as_of=AS_OF.isoformat())
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    return written(web_worlds.plausible(root / "dmarcwatch.db"), root / "site")


def read(path: Path) -> Html:
    html = Html()
    html.feed(path.read_text("utf-8"))
    html.text = " ".join(html.text.split())
    return html


def crawl(folder: Path) -> tuple[set[Path], list[str]]:
    """Every file that can be reached from the first page, and the links that lead to none."""
    seen, waiting, lost = set(), [folder / "index.html"], []
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for link in read(path).links:
            parts = urlsplit(link)
            target = path.parent / unquote(parts.path) if parts.path else path
            if parts.scheme or parts.netloc or link.startswith("/") or not target.is_file():
                lost.append(link)
            elif target.suffix == ".html" and target not in seen:
                waiting.append(target)
    return seen, lost


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_every_link_of_the_files_leads_to_a_file_beside_them(tmp_path, world):
    folder = written(world(tmp_path / "x.db"), tmp_path / "site")
    reached, lost = crawl(folder)
    assert lost == []
    assert reached == set(folder.glob("*.html"))
    assert len(reached) >= 5


def test_files_hold_each_domain_and_sender_and_say_when_they_were_written(site):
    names = {path.name for path in site.glob("*.html")}
    assert {"index.html", "inbox.html", "reporters.html", f"domain-{DOMAIN}.html"} <= names
    assert f"reporters-{DOMAIN}.html" in names
    assert any(name.startswith("stream-example.com-amazon-ses-eu-west-1_") for name in names)
    assert all(f"Written on {AS_OF}." in read(site / name).text for name in names)


def test_files_offer_nothing_that_only_a_server_can_do(site):
    for path in site.glob("*.html"):
        page = read(path)
        assert not [tag for tag, said in page.tags if tag == "form" and said.get("action")], path.name
        assert "Tables and SQL" not in page.text
        assert "365 days" not in page.text
    assert (
        "Other policies are tried where dmarcwatch serve runs." in read(site / f"domain-{DOMAIN}.html").text
    )


def test_pages_of_domains_that_are_gone_are_removed_and_other_files_are_kept(tmp_path):
    folder = written(web_worlds.two_domains(tmp_path / "two.db"), tmp_path / "site")
    assert (folder / "domain-other.example.html").exists()
    (folder / "notes.txt").write_text("ours")
    written(web_worlds.one_report(tmp_path / "one.db"), folder)
    assert not (folder / "domain-other.example.html").exists()
    assert (folder / "notes.txt").read_text() == "ours"


def test_a_folder_of_somebody_elses_files_is_refused(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>Mine</h1>")
    with pytest.raises(ConfigError, match="did not write"):
        written(web_worlds.one_report(tmp_path / "one.db"), tmp_path / "site")
    assert (tmp_path / "site" / "index.html").read_text() == "<h1>Mine</h1>"


def test_names_from_reports_never_leave_the_folder_nor_collide():
    hostile = ["../../etc/passwd", "..", "CON", "a/b", "a b", "A", "a", "é", "x" * 250, "a_b"]
    names = [file_name("/domain?" + url("", name=text).partition("?")[2]) for text in hostile]
    assert len({name.lower() for name in names}) == len(names)
    assert all("/" not in name and name.startswith("domain-") and len(name) < 150 for name in names)
    assert file_name("") == file_name("/") == "index.html"
    assert file_name("/?page=2") == "index-2.html"


def test_serve_writes_files_instead_of_serving_where_a_folder_is_named(tmp_path):
    open_database(tmp_path / "empty.db").close()
    command = ["--db", str(tmp_path / "empty.db"), "serve", "--static", str(tmp_path / "site")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "3 pages" in done.output
    assert "No reports yet" in read(tmp_path / "site" / "index.html").text


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_opened_from_disk_a_page_draws_its_charts_and_asks_nobody_else(site):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / "index.html").as_uri())
        page.click(f"text={DOMAIN}")
        page.wait_for_selector("#chart-outcome svg")
        browser.close()
    assert errors == []
    assert [each for each in asked if not each.startswith(site.as_uri())] == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DELETE FROM _sqlite_migrations", "an older dmarcwatch"),
        ("INSERT INTO _sqlite_migrations VALUES (NULL, 'dmarcwatch', 'later', '2030')", "a newer dmarcwatch"),
    ],
)
def test_a_database_of_another_age_is_refused_with_a_sentence_and_no_file_is_written(
    tmp_path, change, sentence
):
    path = web_worlds.one_report(tmp_path / "other.db")
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=sentence):
        write_files(path, tmp_path / "site")
    assert not (tmp_path / "site").exists()
