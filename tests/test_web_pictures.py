"""Every page of the demo as people see it: pictures to be looked at, and what would spoil them.

The pictures stay in build/pictures, or where DMARCWATCH_PICTURES says.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import pictures

FOLDER = Path(
    os.environ.get("DMARCWATCH_PICTURES", "") or Path(__file__).parent.parent / "build" / "pictures"
)
SPOILT = {
    "the page is wider than its window": "document.documentElement.scrollWidth > innerWidth",
    "a date is broken over two lines": "[...document.querySelectorAll('time')].some(e => e.getClientRects().length > 1)",
    "a chart is empty": "[...document.querySelectorAll('figure.chart:not([hidden]) .plot')]"
    ".some(e => !e.querySelector('svg rect, svg path'))",
    "a badge is broken": "[...document.querySelectorAll('.badge:not(.free)')].some(e => e.offsetHeight > 36)",
    "the menu takes more than one line": "document.querySelector('header nav').offsetHeight > 60",
}

pytestmark = pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    return pictures.served(pictures.database(tmp_path_factory.mktemp("demo")))


@pytest.fixture(scope="module")
def album(site: str) -> Iterator[dict[str, list[str]]]:
    """What spoils each picture, by its name."""
    addresses = pictures.pages("example.com", "example.com/amazon-ses/us-east-1")
    with pictures.browser() as chromium:
        yield {
            picture.stem: [fault for fault, test in SPOILT.items() if tab.evaluate(test)]
            for tab, picture in pictures.album(chromium, site, FOLDER, addresses)
        }


def test_every_page_has_a_picture_for_a_laptop_and_a_phone_by_day_and_by_night(album):
    assert len(album) == 5 * 2 * 2
    assert all((FOLDER / f"{name}.png").stat().st_size > 10_000 for name in album)


def test_no_page_is_spoilt_at_any_width_in_any_colours(album):
    assert {name: faults for name, faults in album.items() if faults} == {}
