"""Every file of the corpus gives as many documents as its index counts reports, or is explained here."""

import json
import os
from pathlib import Path

import pytest

from dmarcwatch.errors import UnpackError
from dmarcwatch.unpack import Unpacked, unpack

CORPUS = os.environ.get("DMARCWATCH_CORPUS")
pytestmark = pytest.mark.corpus

OTHERWISE = {
    "f4f13a92": 0,  # gzip in gzip: one layer is opened, and no reporter packs twice
    "4435634b": 1,  # damaged gzip: what could be got out of it, marked as truncated
    # Documents with a `feedback` element and no report in it: saying so is the reader's part.
    "01ccbba8": 1,
    "22f4b567": 1,
    "a43b0a7c": 1,
    "c58c74a3": 1,
    "e4e2c3e5": 1,
}
"""First eight characters of the file name -> documents found."""
NOT_SET_ASIDE = {
    "05c97079",  # white space on its empty lines, so that nothing in it is a part (`email` agrees)
    "1bb6cb35", "94f62ef8", "d0fb0b82", "fd8510ea",  # complaints about abuse, not authentication failures
}  # fmt: skip


def rows() -> list[dict]:
    return [json.loads(line) for line in Path(str(CORPUS), "index.jsonl").read_text("utf-8").splitlines()]


def unpacked(row: dict) -> Unpacked | None:
    try:
        return unpack(Path(str(CORPUS), "files", row["file"]).read_bytes())
    except UnpackError:
        return None


def test_documents_are_as_many_as_reports():
    found = {row["file"]: len(result.documents) if (result := unpacked(row)) else 0 for row in rows()}
    expected = {row["file"]: OTHERWISE.get(row["file"][:8], row["reports"]) for row in rows()}
    assert len(found) > 300
    assert found == expected


def test_failure_and_tls_reports_are_set_aside():
    for row in rows():
        if row["kind"] in ("failure", "smtp-tls") and row["file"][:8] not in NOT_SET_ASIDE:
            result = unpacked(row)
            assert result is not None, row["file"]
            kind = "failure-report" if row["kind"] == "failure" else "tls-report"
            assert [each.kind for each in result.set_aside] == [kind], row["file"]


def test_nothing_of_a_good_file_is_a_fault():
    for row in rows():
        result = unpacked(row)
        if result is not None and row["kind"] != "invalid-on-purpose":
            assert result.faults == (), row["file"]
            assert not any(document.truncated for document in result.documents), row["file"]
