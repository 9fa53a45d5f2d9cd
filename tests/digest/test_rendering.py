"""The digest as text and as HTML: what a mail client shows, and what it must not be given."""

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from playwright.sync_api import sync_playwright

from dmarcwatch.digest.html import page
from dmarcwatch.digest.text import MOST, WIDTH, brief, text
from dmarcwatch.digest.words import title
from tests.digest.build import whole
from tests.judge_build import SCATTERED, healthy, network, place

CHROMIUM = shutil.which("chromium")
PAGES = "https://dmarc.example.com"
HOSTILE = '"><script>alert(1)</script><img src=x>'


@pytest.fixture(scope="module")
def busy():
    """A domain with a failing sender, an unknown one and spoofing."""
    world = healthy().mail(place(name="us-east-1"), range(60), 3, "amazonses-only")
    world.mail(network(), range(25), 4, "unaligned", reporter="yahoo")
    world.mail(network(), range(25), 4, "unaligned", reporter="microsoft")
    return whole(world.mail(SCATTERED, range(14), 9, "unaligned"))


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(document):
    reader = Reader()
    reader.feed(document)
    assert reader.open == []
    return reader


def test_the_text_is_read_in_ten_seconds(busy):
    told = text(busy)
    lines = told.splitlines()
    assert lines[0] == "DMARC from 12 to 18 November 2026"
    assert lines[1] == "1 domain: 1 not ready."
    assert lines[5] == "example.com is NOT ready for p=quarantine: 1 sender that is yours fails."
    assert len(told.split()) < 200
    prose = [line for line in lines if not line.startswith(("       ", "     How", "  amazon", "  203"))]
    assert max(map(len, prose)) <= WIDTH


def test_every_sentence_ends_as_one(busy):
    sentences = [line for line in text(busy).splitlines() if re.match(r"(\d|  - |p=)", line)]
    assert len(sentences) > 2
    assert "  " not in " ".join(line.strip() for line in sentences)
    assert text(busy).count("..") == 0


def test_links_lead_to_our_pages_where_it_is_known_where_they_are(busy):
    assert "https://dmarc.example.com/-/dmarcwatch/domain?name=example.com" in text(busy, base=PAGES)
    assert "href=" not in page(busy)
    assert f'href="{PAGES}/-/dmarcwatch/domain?name=example.com"' in page(busy, base=PAGES)


def test_the_subject_says_how_few_domains_stand_and_counts_many(busy):
    assert title(busy) == "DMARC, 12 to 18 November 2026: example.com not ready"
    many = replace(busy, domains=busy.domains * 5)
    assert title(many) == "DMARC, 12 to 18 November 2026: 5 domains: 5 not ready"


def test_of_very_many_domains_the_first_are_told_and_the_rest_named(busy):
    many = replace(busy, domains=busy.domains * (MOST + 5))
    assert text(many).count("Who") == text(busy).count("Who") * MOST
    assert text(many).count("example.com: not ready") == 5
    assert brief(many).count("\n") == MOST + 6


def test_the_html_holds_only_tables_and_text_with_styles_inline(busy):
    reader = read(page(busy, base=PAGES))
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "table",
        "tr",
        "td",
        "div",
        "span",
        "a",
        "br",
    }
    assert set(reader.tags) <= allowed
    assert "position" not in str(reader.attributes)
    assert "flex" not in str(reader.attributes)


def test_the_html_loads_nothing(busy):
    document = page(busy)
    assert not re.search(r"https?://|url\(|@import|src=|<link|<script|<img", document)


def test_names_from_reports_cannot_become_html(busy):
    (domain,) = busy.domains
    sender = domain.senders[0]._replace(name=HOSTILE, header_from=HOSTILE)
    hostile = replace(domain, domain=HOSTILE, headline=HOSTILE, changed=(HOSTILE,), senders=(sender,))
    document = page(replace(busy, domains=(hostile,)), base=PAGES)
    assert set(read(document).tags) <= set(read(page(busy, base=PAGES)).tags)
    assert "<script" not in document


def test_bars_fill_their_row_exactly_and_nothing_that_fails_is_invisible(busy):
    rows = re.findall(r"table-layout:fixed\"><tr>(.*?)</tr>", page(busy))
    assert len(rows) == len(busy.domains[0].senders)
    for row in rows:
        widths = [int(width) for width in re.findall(r'width="(\d+)%"', row)]
        assert sum(widths) == 100
        assert min(widths) > 0
    assert sum("bad-bar" in row for row in rows) == sum(
        bool(each.failing) for each in busy.domains[0].senders
    )


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [320, 390, 600, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_mail_s_and_a_phone_s_width_without_scrolling_sideways(chromium, busy, width, scheme):
    with chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        shown = context.new_page()
        asked = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.set_content(page(busy, base=PAGES))
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.evaluate("document.querySelector('table table').offsetWidth") <= 600
        assert asked == []


CONTRAST = """
() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = 21;
  for (const node of document.querySelectorAll('div, td, span, a')) {
    const own = [...node.childNodes].some(c => c.nodeType === 3 && c.textContent.replace(/\\u00a0/g, '').trim());
    if (!own) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(rgb(ground(node)))];
    least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return least;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_its_ground(chromium, busy, scheme):
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    with chromium.new_context(color_scheme=scheme) as context:
        shown = context.new_page()
        shown.set_content(page(busy, base=PAGES))
        assert shown.evaluate(CONTRAST) >= 4.5
