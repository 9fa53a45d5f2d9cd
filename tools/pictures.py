"""Draw the README's pictures: the first screenful of Home and of a domain, of the demo's database.

python tools/pictures.py [--out docs/img] [--domain example.com]
"""

import argparse
import shutil
import tempfile
from datetime import UTC, date, datetime, time
from pathlib import Path
from queue import Queue
from threading import Thread

from playwright.sync_api import Page, sync_playwright

from dmarcwatch import demo
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.reading import fetch_all
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.serve import Listen, serve

AS_OF = date(2026, 11, 20)
WIDTH, HEIGHT = 1280, 740
MAX_BYTES = 200_000


def main() -> None:
    """Make the demo's database in a temporary folder, serve it, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    parser.add_argument("--domain", default="example.com")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        url = _served(_database(Path(name)))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--hide-scrollbars"]
        )
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        _draw(tab, url, chosen.out / "home.png")
        _draw(tab, f"{url}-/dmarcwatch/domain?name={chosen.domain}", chosen.out / "domain.png")
        browser.close()


def _database(folder: Path) -> Path:
    """The demo's ninety days, fetched and judged as on their last day."""
    database, config = folder / "dmarcwatch.db", folder / "dmarcwatch.toml"
    demo.write(folder / "reports", AS_OF)
    config.write_text(demo.config(), "utf-8")
    noon = datetime.combine(AS_OF, time(12), UTC)
    settings = Settings(database, config, verbose=False, quiet=True, clock=noon)
    fetch_all(settings, (FileSource(folder / "reports", trusted=True),))
    return database


def _served(database: Path) -> str:
    """The address of the pages, served by a thread that ends with this program."""
    addresses: Queue[str] = Queue()
    options = {"announce": addresses.put, "as_of": AS_OF.isoformat()}
    Thread(target=serve, args=(database, Listen(port=0)), kwargs=options, daemon=True).start()
    return addresses.get(timeout=60)


def _draw(tab: Page, url: str, picture: Path) -> None:
    tab.goto(url)
    # A short page is not padded to a screenful.
    ends = int(tab.evaluate("document.querySelector('footer').getBoundingClientRect().bottom"))
    tab.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": min(ends, HEIGHT)})
    if picture.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size} bytes, more than {MAX_BYTES}.")


if __name__ == "__main__":
    main()
