"""Draw pages of the demo's database: the README's two, or all of them, wide and narrow, light and dark.

python tools/pictures.py [--out docs/img] [--domain example.com]
python tools/pictures.py --album build/pictures
python tools/pictures.py --digest build/pictures
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from queue import Queue
from threading import Thread
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from dmarcwatch import demo
from dmarcwatch.cli import main as dmarcwatch
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.reading import fetch_all
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.serve import Listen, serve
from dmarcwatch.web.links import ROOT

AS_OF = date(2026, 11, 20)
WIDTH, HEIGHT = 1280, 740
MAX_BYTES = 200_000
WIDTHS = (1280, 390)
"""A laptop's and a phone's."""
SCHEMES = ("light", "dark")
MAIL_WIDTHS = (616, 390)
"""A mail client's pane, where the digest has its 600 pixels and a margin, and a phone's."""


def pages(domain: str, stream: str) -> Mapping[str, str]:
    """Addresses of every page by name, below where they are served."""
    return {
        "home": ROOT,
        "domain": f"{ROOT}/domain?{urlencode({'name': domain})}",
        "stream": f"{ROOT}/stream?{urlencode({'id': stream})}",
        "reporters": f"{ROOT}/reporters?{urlencode({'domain': domain})}",
        "inbox": f"{ROOT}/inbox",
    }


def main() -> None:
    """Make the demo's database in a temporary folder, serve it, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    parser.add_argument("--domain", default="example.com")
    parser.add_argument("--stream", default="example.com/amazon-ses/us-east-1")
    parser.add_argument("--album", type=Path)
    parser.add_argument("--digest", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, browser() as chromium:
        if chosen.digest:
            for _, picture in digests(chromium, database(Path(name)), chosen.digest):
                print(picture)
            return
        url = served(database(Path(name)))
        addresses = pages(chosen.domain, chosen.stream)
        if chosen.album:
            for _, picture in album(chromium, url, chosen.album, addresses):
                print(picture)
        else:
            _readme(chromium, url, chosen.out, addresses)


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--hide-scrollbars"]
        )
        yield chromium
        chromium.close()


def database(folder: Path) -> Path:
    """The demo's ninety days, fetched and judged as on their last day."""
    path, config = folder / "dmarcwatch.db", folder / "dmarcwatch.toml"
    demo.write(folder / "reports", AS_OF)
    config.write_text(demo.config(), "utf-8")
    noon = datetime.combine(AS_OF, time(12), UTC)
    settings = Settings(path, config, verbose=False, quiet=True, clock=noon)
    fetch_all(settings, (FileSource(folder / "reports", trusted=True),))
    return path


def served(path: Path) -> str:
    """The address of the pages, served by a thread that ends with this program; no slash at its end."""
    addresses: Queue[str] = Queue()
    options = {"announce": addresses.put, "as_of": AS_OF.isoformat()}
    Thread(target=serve, args=(path, Listen(port=0)), kwargs=options, daemon=True).start()
    return addresses.get(timeout=60).rstrip("/")


def album(
    chromium: Browser, url: str, folder: Path, addresses: Mapping[str, str]
) -> Iterator[tuple[Page, Path]]:
    """Every page at each width in each colour scheme, while it is open, with its picture in full length."""
    folder.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        for scheme in SCHEMES:
            tab = chromium.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
            for name, address in addresses.items():
                tab.goto(url + address)
                tab.wait_for_load_state("networkidle")
                picture = folder / f"{name}-{width}-{scheme}.png"
                tab.screenshot(path=picture, full_page=True)
                yield tab, picture
            tab.close()


def digests(chromium: Browser, database: Path, folder: Path) -> Iterator[tuple[Page, Path]]:
    """The week and the month as mail, at each width in each colour scheme, while it is open."""
    folder.mkdir(parents=True, exist_ok=True)
    for word in ("week", "month"):
        mail = database.with_name(f"{word}.html")
        words = ["digest", f"--{word}", "--as-of", AS_OF.isoformat(), "--html", "--output", str(mail)]
        dmarcwatch(["--db", str(database), *words], standalone_mode=False)
        for width in MAIL_WIDTHS:
            for scheme in SCHEMES:
                tab = chromium.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
                tab.goto(mail.as_uri())
                picture = folder / f"digest-{word}-{width}-{scheme}.png"
                tab.screenshot(path=picture, full_page=True)
                yield tab, picture
                tab.close()


def _readme(chromium: Browser, url: str, folder: Path, addresses: Mapping[str, str]) -> None:
    """The first screenful of Home and of a domain."""
    folder.mkdir(parents=True, exist_ok=True)
    tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    for name in ("home", "domain"):
        tab.goto(url + addresses[name])
        _draw(tab, folder / f"{name}.png")


def _draw(tab: Page, picture: Path) -> None:
    # A short page is not padded to a screenful.
    ends = int(tab.evaluate("document.querySelector('footer').getBoundingClientRect().bottom"))
    tab.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": min(ends, HEIGHT)})
    if picture.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size} bytes, more than {MAX_BYTES}.")


if __name__ == "__main__":
    main()
