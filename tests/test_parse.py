"""How a document is read: in pieces, in bounds, with an account of everything."""

import tracemalloc
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.compose import compose, compose_chunks
from dmarcwatch.errors import MalformedXml, ReportError
from dmarcwatch.parse import read
from dmarcwatch.report import AuthResult, Dkim, Grade, Problem, ReasonType
from tests.build import record, report
from tests.reading import FIXTURES, fixture, read_once, read_whole
from tests.strategies import records, reports

ONE = compose(report(), [record()])


def with_text(before, after):
    return ONE.replace(before.encode(), after.encode())


def account(whole):
    """Everything that is told of a document."""
    reading = whole.reading
    return reading.report, whole.records, reading.problems, reading.messages, reading.unread_messages


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.xml")), ids=lambda path: path.stem)
def test_it_does_not_matter_where_chunks_end(path):
    def outcome(size):
        try:
            return account(read_whole(path.read_bytes(), size=size))
        except ReportError as error:
            return str(error)

    assert outcome(1) == outcome(100) == outcome(1 << 20)


@given(reports(), st.lists(records, max_size=3))
def test_recovery_reads_a_whole_document_as_it_is(composed, its_records):
    data = compose(composed, its_records)
    recovered = read_once(data, recover=True)
    assert account(recovered) == account(read_once(data))
    assert recovered.reading.grade is Grade.RECOVERED


def test_the_report_is_there_before_its_records_are_read():
    taken = []

    def chunks():
        for number, chunk in enumerate(compose_chunks(report(), (record() for _ in range(20_000)))):
            taken.append(number)
            yield chunk

    reading = read(chunks)
    assert reading.report == report()
    assert len(taken) < 1_000
    assert sum(map(len, reading.batches())) == 20_000 == reading.records


def test_batches_are_hundreds_of_records_and_keep_their_order():
    data = compose(report(), (record(messages=number) for number in range(2_000)))
    batches = list(read(lambda: [data]).batches())
    assert all(250 <= len(batch) <= 500 for batch in batches[:-1])
    assert [each.messages for batch in batches for each in batch] == list(range(2_000))


def test_memory_does_not_grow_with_the_number_of_records():
    def peak(count):
        def chunks():
            return compose_chunks(report(), (record(messages=number) for number in range(count)))

        tracemalloc.start()
        for _ in read(chunks).batches():
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    assert peak(6_000) < 1.2 * peak(2_000)


def test_a_head_behind_many_records_costs_no_memory_for_them():
    head, tail = ONE.split(b"  <record>", 1)
    one, end = tail.split(b"</record>\n", 1)
    start, body = head.split(b"<version>", 1)

    def chunks():
        yield start
        for _ in range(5_000):
            yield b"  <record>" + one + b"</record>\n"
        yield b"  <version>" + body + end

    reading = read(chunks)
    assert reading.report == report()
    assert [len(batch) for batch in islice(reading.batches(), 2)] < [500, 500]


def test_equal_evidence_is_one_object_in_all_documents():
    one, other = read_once(ONE), read_once(compose(report(report_id="2"), [record(), record("192.0.2.1", 9)]))
    assert len({id(each.evidence) for each in one.records + other.records}) == 1


def test_malformed_xml_is_told_when_its_place_is_reached():
    data = compose(report(), [record()] * 3_000).replace(b"</feedback>", b"</feedbak>")
    reading = read(lambda: [data])
    batches = reading.batches()
    assert next(batches)
    with pytest.raises(MalformedXml):
        list(batches)


def test_nothing_at_all_is_empty():
    for data in (b"", b" \n\t", b"\xef\xbb\xbf"):
        with pytest.raises(ReportError) as caught:
            read_whole(data)
        assert caught.value.reason == "empty"


@pytest.mark.parametrize(
    ("data", "budgets", "reason"),
    [
        (compose(report(), [record()] * 3), Budgets(max_records=2), "records"),
        (with_text("</record>", "<x>" * 20 + "</x>" * 20 + "</record>"), Budgets(), "xml-depth"),
        (with_text("<record>", f"<record><!--{'x' * 2_000_000}-->"), Budgets(), "text-chars"),
        (with_text("<record>", f"<record a='{'x' * 2_000_000}'>"), Budgets(), "text-chars"),
        (with_text("<record>", f"<record {'a=x ' * 500_000}"), Budgets(), "text-chars"),
        (with_text("example.com</header_from>", "x" * 2_000_000), Budgets(), "text-chars"),
        (with_text("<record>", f"{' ' * 2_000_000}<record>"), Budgets(), "text-chars"),
        (with_text("<auth_results>", f"<auth_results>{'<spf/>' * 90_000}"), Budgets(), "leaves"),
        (with_text("<date_range>", f"{'<error/>' * 60_000}<date_range>"), Budgets(), "leaves"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_exceeds_a_budget_is_refused_by_its_name(data, budgets, reason):
    with pytest.raises(ReportError) as caught:
        read_whole(data, budgets=budgets)
    assert caught.value.reason == reason


def test_elements_may_be_nested_as_deep_as_the_budget_says():
    # feedback and record are the first two.
    data = with_text("</record>", "<x>" * 14 + "</x>" * 14 + "</record>")
    assert read_once(data).reading.messages == 3
    with pytest.raises(ReportError, match="deeper than 15"):
        read_once(data, budgets=Budgets(max_xml_depth=15))


def test_of_too_many_signatures_those_that_pass_are_kept():
    signatures = tuple(Dkim(f"d{number}.example", None, AuthResult.FAIL) for number in range(150))
    passing = Dkim("example.com", "s1", AuthResult.PASS)
    found = read_once(compose(report(), [record(dkim=(*signatures, passing))]))
    kept = found.records[0].evidence.dkim
    assert (len(kept), kept[0]) == (100, passing)
    assert found.reading.problems == (Problem("feedback/record[1]/auth_results/dkim", "151 signatures", 0),)


def test_long_free_text_is_cut_and_noted():
    found = read_once(with_text("20261118.example.com", "x" * 5000))
    assert found.reading.report.report_id == "x" * 4096
    assert [problem.path for problem in found.reading.problems] == ["feedback/report_metadata/report_id"]


def test_problems_beyond_the_bound_are_one_that_sums_them():
    two_rows = fixture("anonymous-two-rows")
    start, end = two_rows.index(b"  <record>"), two_rows.index(b"</feedback>")
    data = two_rows[:start] + two_rows[start:end] * 30 + two_rows[end:]
    reading = read_once(data, budgets=Budgets(max_problems=10)).reading
    assert (len(reading.problems), reading.unread_messages) == (11, 150)
    assert reading.problems[-1] == Problem("feedback", "50 more problems", 125)
    assert sum(problem.messages or 0 for problem in reading.problems) == reading.unread_messages


def test_a_problem_of_a_record_is_told_for_each_record_that_has_it():
    odd = with_text("<disposition>none", "<disposition>thrown away")
    start, end = odd.index(b"  <record>"), odd.index(b"</feedback>")
    reading = read_once(odd[:start] + odd[start:end] * 3 + odd[end:]).reading
    assert [problem.path for problem in reading.problems] == [
        f"feedback/record[{number}]/row/policy_evaluated/disposition" for number in (1, 2, 3)
    ]
    assert reading.grade is Grade.REPAIRED


RECORD = ONE[ONE.index(b"<record>") : ONE.index(b"</feedback>")].decode()
OTHER = RECORD.replace("54.240.8.11", "192.0.2.77").replace("<count>3<", "<count>40<")


@pytest.mark.parametrize(
    "text",
    [
        f"{RECORD}{OTHER}",
        f"{RECORD}<!-- {OTHER} -->{RECORD}",
        f"<!-- </record> {OTHER} -->{RECORD}",
        f"<![CDATA[{OTHER}]]>{RECORD}",
        f"{RECORD}<![CDATA[ </record> {OTHER}{OTHER} ]]>{RECORD}",
        f"{RECORD}<!--{' ' * 300_000}{OTHER}-->{RECORD}",
        f"{RECORD}<![CDATA[{' ' * 300_000}{OTHER}]]>{RECORD}",
        f"{RECORD}{' ' * 300_000}{OTHER}",
        f"<?note {OTHER}?>{RECORD}",
        f"<extension>{OTHER}</extension>{RECORD}",
        f"<extension><!-- {OTHER} -->{RECORD}</extension>{RECORD}",
        f"{RECORD} text {OTHER} more",
        RECORD.replace("<row>", "<!--<source_ip>192.0.2.1</source_ip><count>9</count>--><row>"),
        RECORD.replace("<row>", "<!--<source_ip>192.0.2.2</source_ip><count>8</count>--><row>"),
        RECORD.replace("<row>", "<x><source_ip>192.0.2.1</source_ip></x><row>"),
        RECORD.replace("<row>", "<x><source_ip>192.0.2.2</source_ip></x><row>"),
        RECORD.replace("<count>3</count>", "<count>4</count><count>3</count>"),
        RECORD.replace("<count>3</count>", "<count>5</count><count>3</count>"),
        RECORD.replace("<count>3<", "<count>&#51;<") + RECORD.replace("54.", "&#53;4."),
        RECORD.replace("<count>3<", "<count><b/>3<") + RECORD.replace("<count>3<", "<count> 3 <"),
        RECORD.replace("54.240.8.11", "nowhere") + RECORD.replace("54.240.8.11", ""),
        RECORD.replace("<count>3<", "<count>three<") + RECORD.replace("<count>3<", "<count>³<"),
        RECORD.replace("<count>3</count>", "").replace("</row>", "<count>3</count></row>") * 2,
        RECORD.replace("<record>", '<record n="1">') + RECORD.replace("<record>", "<record >"),
        RECORD.replace("\n", "\r\n") * 2,
    ],
)
def test_a_record_of_known_text_says_what_it_says_anywhere(text):
    """Known records are not parsed again; recovery, which parses everything, must agree."""
    data = ONE.decode().replace(RECORD, text).encode()
    read_once(ONE)
    expected = account(read_once(data, recover=True))
    assert account(read_once(data)) == expected
    assert account(read_once(data)) == expected


def test_a_record_of_known_text_is_not_known_by_its_beginning():
    read_once(ONE)
    assert read_once(with_text("amazonses.com", "amazonses.org")).records != read_once(ONE).records
    with pytest.raises(MalformedXml):
        read_once(with_text("</auth_results>", ""))


def test_reasons_are_bounded():
    reason = "<reason><type>other</type></reason>"
    found = read_once(with_text("</policy_evaluated>", f"{reason * 25}</policy_evaluated>"))
    reasons = found.records[0].evidence.reasons
    assert (len(reasons), reasons[0].type) == (20, ReasonType.OTHER)
    assert len(found.reading.problems) == 5


def test_more_shapes_and_statements_than_are_remembered_read_the_same():
    shapes = [OTHER.replace("<row>", f"<x{number}/><row>") for number in range(600)]
    names = [OTHER.replace("example.com", f"e{number}.example.com") for number in range(9_000)]
    data = ONE.decode().replace(RECORD, "".join(shapes + names + shapes[:9] + names[:9])).encode()
    found = read_once(data)
    assert found.reading.messages == 40 * (len(shapes) + len(names) + 18)
    assert found.records[-1].evidence.header_from == "e8.example.com"
    assert found.records[-10].evidence == found.records[0].evidence
