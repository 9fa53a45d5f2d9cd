"""Public samples of other projects: collected only where DMARCWATCH_CORPUS names their folder.

`index.jsonl` there says what a lenient program found in each file. Where the reader differs, the
file was looked at, and stands below with the reason why the reader is right.
"""

import json
import os
from pathlib import Path

import pytest

from dmarcwatch.errors import MalformedXml, ReportError, UnpackError
from dmarcwatch.unpack import unpack
from tests.reading import read_once

CORPUS = Path(os.environ["DMARCWATCH_CORPUS"])
INDEX = [json.loads(line) for line in (CORPUS / "index.jsonl").read_text("utf-8").splitlines()]

REFUSED = {
    # Fragments for other programs' tests: no period, so nothing can be said of any day.
    "184593aa": "no-date-range",
    "3c170391": "no-date-range",
    "b2b1ffd7": "no-date-range",
    "e50b5425": "no-date-range",
    # Failure and event records that call themselves feedback.
    "e9b812f6": "no-date-range",
    "ec6915bb": "no-date-range",
    # Nothing in it but a head, whose policy names no domain.
    "3a69bacf": "no-policy-domain",
    # Packed twice; one layer is opened.
    "f4f13a92": "nested-archive",
}
"""Files that the index counts as reports."""
UNCOUNTED = {
    # The record has no `row` at all; the index counts it with no messages.
    "bdda8b56": 1,
    "8118f440": 1,
    "871e199a": 1,
    "9b08f534": 3,
    # The count is `not-a-number`.
    "d0d63f8d": 1,
}
"""Records that the index counts and that are problems here."""

WHOLE = [row for row in INDEX if row["kind"] == "aggregate" and row["xml_well_formed"]]
OTHERS = [row for row in INDEX if row not in WHOLE]


def key(row):
    return row["file"].partition("-")[0]


def outcomes(row):
    """What becomes of the documents in a file: whole readings and reasons of refusal."""
    try:
        documents = unpack((CORPUS / "files" / row["file"]).read_bytes()).documents
    except UnpackError as error:
        return [], [str(error.reason)]
    read, refused = [], []
    for document in documents:
        data = b"".join(document.chunks())
        try:
            try:
                read.append(read_once(data, recover=document.truncated))
            except MalformedXml:
                read.append(read_once(data, recover=True))
        except ReportError as error:
            refused.append(error.reason)
    return read, refused


@pytest.mark.parametrize("row", WHOLE, ids=key)
def test_a_well_formed_report_is_read_to_the_last_message(row):
    read, refused = outcomes(row)
    if key(row) in REFUSED:
        assert (read, refused) == ([], [REFUSED[key(row)]] * row["reports"])
        return
    readings = [whole.reading for whole in read]
    lost = UNCOUNTED.get(key(row), 0)
    assert refused == []
    assert len(readings) == row["reports"]
    assert sum(reading.records for reading in readings) + lost == row["records"]
    assert sum(reading.messages + reading.unread_messages for reading in readings) == row["messages"]
    assert sum(problem.messages is None for reading in readings for problem in reading.problems) == lost
    named = {domain.lower().rstrip(".") for domain in row["domains"]}
    assert not named or {reading.report.policy.domain for reading in readings} <= named


@pytest.mark.parametrize("row", OTHERS, ids=key)
def test_anything_else_is_read_set_aside_or_refused(row):
    read, refused = outcomes(row)
    messages = sum(whole.reading.messages + whole.reading.unread_messages for whole in read)
    assert messages <= row["messages"]
    assert len(read) <= row["reports"]
    assert all(refused)


def test_every_exception_is_a_file_of_the_index():
    assert REFUSED.keys() | UNCOUNTED.keys() <= {key(row) for row in WHOLE}
