"""Each fixture beside all that is read from it; `--update-golden` writes what is read now."""

import json
from datetime import datetime

import pytest

from dmarcwatch.errors import ReportError
from tests.reading import FIXTURES, read_whole


def told(data):
    """All that is read from a document, for JSON."""
    try:
        whole = read_whole(data)
    except ReportError as error:
        return {"reject": error.reason, "message": error.message}
    reading = whole.reading
    return {
        "grade": reading.grade,
        "report": {**reading.report._asdict(), "policy": reading.report.policy._asdict()},
        "records": [
            {
                "source_ip": record.source_ip,
                "messages": record.messages,
                **{
                    name: [entry._asdict() for entry in value] if isinstance(value, tuple) else value
                    for name, value in record.evidence._asdict().items()
                },
            }
            for record in whole.records
        ],
        "problems": [problem._asdict() for problem in reading.problems],
        "messages": reading.messages,
        "unread_messages": reading.unread_messages,
    }


def text_of(value):
    assert isinstance(value, datetime)
    return value.isoformat()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.xml")), ids=lambda path: path.stem)
def test_a_fixture_reads_as_written_beside_it(path, pytestconfig):
    found = json.dumps(told(path.read_bytes()), indent=1, default=text_of, ensure_ascii=False) + "\n"
    golden = path.with_suffix(".json")
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(found, "utf-8")
    assert golden.read_text("utf-8") == found


def test_nothing_is_expected_of_a_fixture_that_is_not_there():
    assert {path.stem for path in FIXTURES.glob("*.json")} == {path.stem for path in FIXTURES.glob("*.xml")}
