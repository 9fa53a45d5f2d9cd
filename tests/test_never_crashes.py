"""Any bytes either read or are refused with a reason: nothing else leaves the parser."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.compose import compose
from dmarcwatch.errors import MalformedXml, ReportError
from dmarcwatch.report import Grade
from tests.build import record, report
from tests.reading import FIXTURES, read_once

FIXTURE_BYTES = [path.read_bytes() for path in sorted(FIXTURES.glob("*.xml"))]
WORDS = sorted(
    {word for data in FIXTURE_BYTES for word in re.findall(rb"</?[a-z_]+/?>|<!--|-->|]]>|&#?\w+;", data)}
)


def outcome(data, *, recover):
    """What became of `data`: a whole reading or the refusal, after the account was checked."""
    try:
        whole = read_once(data, recover=recover)
    except ReportError as error:
        assert error.reason
        assert not (recover and isinstance(error, MalformedXml)), error
        return error
    reading = whole.reading
    assert reading.records == len(whole.records)
    assert reading.messages == sum(each.messages for each in whole.records)
    assert reading.unread_messages == sum(problem.messages or 0 for problem in reading.problems)
    assert reading.problems == () or reading.grade is not Grade.CLEAN
    return whole


def survives(data):
    if isinstance(outcome(data, recover=False), MalformedXml):
        outcome(data, recover=True)


@st.composite
def mutated(draw):
    """A fixture with something cut out, put in or doubled."""
    data = draw(st.sampled_from(FIXTURE_BYTES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 200)))
        new = draw(st.sampled_from(WORDS) | st.binary(max_size=8) | st.just(data[at:end] * 2))
        data = data[:at] + new + data[end:]
    return data


@given(st.binary(max_size=400))
def test_any_bytes_read_or_are_refused(data):
    survives(data)


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=5), max_size=60).map(b"".join))
def test_any_elements_read_or_are_refused(body):
    survives(b"<feedback>" + body + b"</feedback>")


@given(mutated())
@settings(max_examples=300)
def test_any_damage_to_a_report_reads_or_is_refused(data):
    survives(data)


@given(st.data())
def test_a_cut_report_gives_at_most_its_own_messages(data):
    whole = compose(report(), [record(messages=number) for number in (1, 10, 100)])
    cut = whole[: data.draw(st.integers(0, len(whole) - len(b"</feedback>\n") - 1))]
    try:
        found = read_once(cut, recover=True)
    except ReportError:
        return
    reading = found.reading
    assert reading.grade is Grade.RECOVERED
    assert [each.messages for each in found.records] == [1, 10, 100][: len(found.records)]
    assert reading.messages + reading.unread_messages in (0, 1, 11, 111)
