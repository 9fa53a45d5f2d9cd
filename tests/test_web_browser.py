"""The pages in a real browser: quiet, self-contained, accessible, and alive."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import web_worlds
from tests.web_build import AS_OF
from tests.web_client import url
from tests.web_worlds import DOMAIN, HOSTILE, LONG

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parent / "browser" / "axe-4.14.1.min.js"
SERVER = """
import sys
from pathlib import Path
from dmarcwatch.serve import Listen, serve
listen = Listen(port=0, base_url=sys.argv[3])
serve(Path(sys.argv[1]), listen, announce=lambda url: print(url, flush=True), as_of=sys.argv[2])
"""
STREAM = f"{DOMAIN}/amazon-ses/eu-west-1"
HOSTILE_STREAM = f"{LONG}:{HOSTILE}/unknown/{HOSTILE.replace('/', '-')}"
PAGES = {
    "home": url(),
    "domain": url("domain", name=DOMAIN),
    "stream": url("stream", id=STREAM),
    "reporters": url("reporters", domain=DOMAIN),
    "inbox": url("inbox"),
}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def serving(path: Path, base_url: str = "/") -> Iterator[str]:
    command = [sys.executable, "-c", SERVER, str(path), AS_OF.isoformat(), base_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip().rstrip("/")
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(web_worlds.plausible(tmp_path_factory.mktemp("browser") / "dmarcwatch.db"))


@pytest.fixture(scope="module")
def prefixed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(web_worlds.plausible(tmp_path_factory.mktemp("prefix") / "dmarcwatch.db"), "/dmarc/")


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(web_worlds.hostile(tmp_path_factory.mktemp("hostile") / "dmarcwatch.db"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that was opened, and what the browser had to say about it."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide-light", "phone-dark"])
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield Visit(context.new_page())
    context.close()


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield Visit(context.new_page())
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_asks_nobody_else_and_fits_its_width(site, visit, name):
    visit.open(site + PAGES[name])
    assert visit.said == []
    assert [address for address in visit.asked if not address.startswith(site)] == []
    width = visit.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible(site, visit, name):
    visit.open(site + PAGES[name])
    visit.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    visit.page.evaluate(AXE.read_text("utf-8"))
    found = visit.page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert found["passes"]


HOSTILE_PAGES = [
    url(), url("domain", name=LONG), url("stream", id=HOSTILE_STREAM), url("reporters"), url("inbox"),
]  # fmt: skip


@pytest.mark.parametrize("page", HOSTILE_PAGES)
def test_pages_of_what_strangers_wrote_are_accessible(hostile_site, desk, page):
    desk.open(hostile_site + page)
    desk.page.evaluate(AXE.read_text("utf-8"))
    found = desk.page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


@pytest.mark.parametrize("page", HOSTILE_PAGES)
def test_what_strangers_wrote_runs_nothing_and_breaks_no_width(hostile_site, visit, page):
    visit.open(hostile_site + page)
    assert visit.said == []
    assert [address for address in visit.asked if not address.startswith(hostile_site)] == []
    width = visit.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]


def test_charts_draw_what_their_tables_say(site, desk):
    desk.open(site + PAGES["domain"])
    bars = desk.page.locator("#chart-outcome .plot svg g[aria-label=rect] rect")
    filled = desk.page.evaluate("""Array.from(document.querySelectorAll("#chart-outcome tbody td"))
        .filter((cell) => Number(cell.textContent) > 0).length""")
    assert bars.count() == filled > 100
    marks = desk.page.locator("#chart-outcome .plot svg g[aria-label=text] text").all_text_contents()
    numbers = sorted(int(number) for mark in marks for number in mark.split(","))
    assert numbers == [number + 1 for number in range(desk.page.locator("#chart-outcome .events li").count())]


def test_the_chart_switches_between_outcomes_and_senders(site, desk):
    desk.open(site + PAGES["domain"])
    assert desk.page.locator("#chart-stream").is_hidden()
    desk.page.get_by_role("button", name="by sender").click()
    assert desk.page.locator("#chart-outcome").is_hidden()
    assert desk.page.locator("#chart-stream .plot svg").is_visible()


def test_a_chart_says_its_numbers_under_the_pointer(site, desk):
    desk.open(site + PAGES["domain"])
    desk.page.locator("#chart-outcome .plot svg").hover()
    assert "Yours, passes" in desk.page.locator("#chart-outcome .plot svg g[aria-label=tip]").text_content()


def test_the_what_if_answers_without_leaving_the_page(site, desk):
    desk.open(site + PAGES["domain"])
    answer = desk.page.locator("#what-if-result .headline")
    assert "of your own would be lost" in answer.inner_text()
    desk.page.get_by_label("Policy").select_option("none")
    desk.page.get_by_text("No message of your own would be lost.").wait_for()
    desk.page.get_by_label("DKIM alignment").select_option("s")
    desk.page.get_by_label("Policy").select_option("reject")
    desk.page.locator("#what-if-result").get_by_text("of your own would be lost,").wait_for()
    assert desk.page.url == site + PAGES["domain"]
    assert desk.said == []


def test_a_command_is_copied_with_its_options(site, desk):
    desk.open(site + PAGES["stream"])
    desk.page.get_by_label("it must never break").check()
    desk.page.get_by_label("sends").select_option("month")
    desk.page.get_by_role("button", name="Copy: the command for: It is mine").click()
    copied = desk.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"dmarcwatch label {STREAM} owned --critical --every month"


def test_the_table_behind_a_chart_is_copied_whole(site, desk):
    desk.open(site + PAGES["domain"])
    desk.page.locator("#chart-outcome summary").click()
    desk.page.locator("#chart-outcome [data-copy-table]").click()
    lines = desk.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == 91
    assert lines[0].startswith("Day\tYours, passes\t")


def test_everything_can_be_reached_and_worked_by_keyboard(site, desk):
    desk.open(site + PAGES["domain"])
    reached = set()
    for _ in range(60):
        desk.page.keyboard.press("Tab")
        reached.add(desk.page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
    assert {"Skip to the content", "by sender", "Copy", "The same as a table"} <= reached


def test_without_scripts_a_page_says_the_same(site, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + PAGES["domain"])
    page.get_by_text("The same as a table").first.click()
    assert page.locator("#chart-outcome table").is_visible()
    assert page.locator("#chart-stream").is_visible()
    page.get_by_label("Policy").select_option("none")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("No message of your own would be lost.").wait_for()
    context.close()


def test_print_leaves_out_what_cannot_be_pressed_on_paper(site, desk):
    desk.open(site + PAGES["domain"])
    desk.page.emulate_media(media="print")
    assert desk.page.locator("header").is_hidden()
    assert desk.page.locator("form.what-if").is_hidden()
    assert desk.page.locator("#chart-outcome .plot svg").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_every_number_that_is_a_link_leads_to_the_rows_behind_it(site, desk, name):
    desk.open(site + PAGES[name])
    links = desk.page.locator("a.rows, a.behind").evaluate_all("all => all.map(each => each.href)")
    assert links
    # The reports of this database are in no run of it.
    for link in [each for each in links if "run__exact" not in each][:12]:
        answer = desk.page.request.get(link, timeout=120_000)
        assert answer.status == 200, link
        assert '<td class="col-' in answer.text(), link


def test_the_number_on_home_is_the_sum_of_the_rows_it_leads_to(site, desk):
    desk.open(site + PAGES["home"])
    number = desk.page.locator(".volume a.rows")
    said = int(number.inner_text().replace(",", ""))
    rows = desk.page.request.get(f"{number.evaluate('each => each.href')}&_size=max".replace("?", ".json?"))
    messages = rows.json()["columns"].index("messages")
    assert sum(row[messages] for row in rows.json()["rows"]) == said


@pytest.mark.parametrize("name", PAGES)
def test_below_a_prefix_pages_find_their_files_and_each_other(prefixed_site, desk, name):
    root = prefixed_site.removesuffix("/dmarc")
    desk.open(prefixed_site + PAGES[name])
    assert desk.said == []
    assert [address for address in desk.asked if not address.startswith(f"{prefixed_site}/")] == []
    links = desk.page.locator("a[href]").evaluate_all("all => all.map(each => each.href)")
    assert {
        link for link in links if not link.startswith((f"{root}/dmarc/", f"{root}{PAGES[name]}#"))
    } == set()
    assert desk.page.request.get(links[1]).status == 200


@pytest.mark.parametrize("page", ["/dmarcwatch", "/dmarcwatch/streams", "/dmarcwatch/policy-history?domain="])
def test_datasettes_own_pages_work_under_a_policy_that_keeps_them_to_this_server(site, desk, page):
    desk.open(site + page)
    assert desk.said == []
    assert [address for address in desk.asked if not address.startswith(site)] == []
    policy = desk.page.request.get(site + page).headers["content-security-policy"]
    assert "default-src 'none'" in policy
