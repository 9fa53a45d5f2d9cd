"""The digest as a mail client shows it: pictures to be looked at, and what would spoil them.

The pictures stay in build/pictures, or where DMARCWATCH_PICTURES says.
"""

import os
import shutil
from pathlib import Path

import pytest

from tools import pictures

FOLDER = Path(
    os.environ.get("DMARCWATCH_PICTURES", "") or Path(__file__).parent.parent.parent / "build" / "pictures"
)
EVERYTHING = "[...document.querySelectorAll('body *')]"
SPOILT = {
    "the mail is wider than its window": "document.documentElement.scrollWidth > innerWidth",
    "the mail is wider than 600 pixels": f"{EVERYTHING}.some(e => e.matches('.card') && e.offsetWidth > 600)",
    "a bar is without width": f"{EVERYTHING}.some(e => /(good|bad)-bar/.test(e.className) && e.offsetWidth < 2)",
    "something would be loaded": "performance.getEntriesByType('resource').length > 0",
    "text is smaller than 12 pixels": f"{EVERYTHING}.some(e => e.innerText?.trim() && !e.children.length"
    " && parseFloat(getComputedStyle(e).fontSize) < 12)",
    "there is no sender": "!document.querySelector('.good-bar')",
}

pytestmark = pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What spoils each picture, by its name."""
    database = pictures.database(tmp_path_factory.mktemp("demo"))
    with pictures.browser() as chromium:
        return {
            picture.stem: [fault for fault, test in SPOILT.items() if tab.evaluate(test)]
            for tab, picture in pictures.digests(chromium, database, FOLDER)
        }


def test_the_digest_has_a_picture_for_a_mail_client_and_a_phone_by_day_and_by_night(album):
    assert len(album) == 2 * 2 * 2
    assert all((FOLDER / f"{name}.png").stat().st_size > 10_000 for name in album)


def test_no_digest_is_spoilt_at_any_width_in_any_colours(album):
    assert {name: faults for name, faults in album.items() if faults} == {}
