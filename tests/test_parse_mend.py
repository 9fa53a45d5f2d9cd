"""Malformed XML: what is mended before recovery reads it, and that nothing behind a fault is lost."""

import pytest

from dmarcwatch.errors import ReportError
from dmarcwatch.parse.mend import Mender
from dmarcwatch.report import Grade, Problem
from tests.reading import FIXTURES, read_once, whole

SOUND = (FIXTURES / "anonymous-lost-record-end.xml").read_text("utf-8")
"""Two records of four and six messages; the end tag of the first is lost."""


def recovered(text):
    """What recovery makes of a document, and the messages of its records."""
    found = read_once(text.encode(), recover=True)
    return found, [record.messages for record in found.records]


def mended(text, size):
    """`text` mended in pieces of `size` characters."""
    mender = Mender()
    pieces = [mender.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join(pieces) + mender.close()


def test_an_ampersand_costs_neither_its_text_nor_what_follows():
    found = whole("anonymous-bare-ampersand")
    assert (found.reading.grade, found.reading.report.org_name) == (Grade.RECOVERED, "AT&T Mail")
    assert [record.messages for record in found.records] == [1, 2, 4]
    assert found.records[1].evidence.reasons[0].comment == "see https://example.com/?id=1&lt=2&ref"


@pytest.mark.parametrize("text", ["&", "a & b", "&nobody;", "&#", "&#x;", "&#9a;", "&amp", "&&amp;", "& & &"])
def test_an_ampersand_that_begins_no_reference_is_one(text):
    found, messages = recovered(SOUND.replace("reporter.example</org", f"x{text}y</org"))
    assert found.reading.report.org_name == f"x{text}y".replace("&amp;", "&")
    assert messages == [4, 6]


def test_references_to_halves_of_a_character_are_the_character():
    found = whole("anonymous-surrogate-references")
    assert found.reading.report.org_name == "Post \U0001f600"
    comments = [record.evidence.reasons[0].comment for record in found.records]
    assert comments == ["half \ufffd of one", "\U0001f600!"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&#55357;", "\ufffd"),
        ("&#xDE00;&#xD83D;", "\ufffd\ufffd"),
        ("&#x0000d83d;&#0056832;&#55357;", "\U0001f600\ufffd"),
        ("&#xD83D; &#xDE00;", "\ufffd \ufffd"),
        ("&#55295;&#57344;", "\ud7ff\ue000"),
        ("&#55357;&#65;", "\ufffd&#65;"),
        ("&#127;&#x1F600;&#xD;", "&#127;&#x1F600;&#xD;"),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_half_that_stands_alone_is_no_character(text, expected, size):
    assert mended(f"<a>{text}</a>", size) == f"<a>{expected}</a>"


def test_half_a_character_in_an_attribute_crashes_nothing():
    text = SOUND.replace("<record>", "<record a='&#xD83D;' b=\"&#55357;&#56832;\">")
    assert recovered(text)[1] == [4, 6]


def test_records_that_the_parser_held_back_are_read_at_the_end():
    before, _, behind = SOUND.rpartition("<record>")
    assert recovered(f'{before}<record n=1">{behind}')[1] == [4, 6]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a>x & y &lt; z &</a>&", "<a>x &amp; y &lt; z &amp;</a>&amp;"),
        ("<a>1 < 2</a> <@", "<a>1 &lt; 2</a> &lt;@"),
        (
            "<a><!-- > & < --> & <![CDATA[ > & < ]]> & <?b > & < ?> &</a>",
            "<a><!-- > & < --> &amp; <![CDATA[ > & < ]]> &amp; <?b > & < ?> &amp;</a>",
        ),
        ("<!-- > & ", "<!-- > & "),
        ("<![CDATA[ > & ]", "<![CDATA[ > & ]"),
    ],
)
def test_pieces_end_anywhere_and_what_hides_markup_stays_as_it_is(text, expected, size):
    assert mended(text, size) == expected


def test_a_stray_end_tag_ends_nothing():
    found = whole("anonymous-stray-end-tags")
    assert [record.messages for record in found.records] == [1, 2, 4]
    assert found.reading.report.org_name == "reporter.example"
    assert found.records[1].evidence.reasons[0].comment == "see this"
    assert (found.reading.grade, found.reading.problems) == (Grade.RECOVERED, ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<record>", "<record"),
        ("<record>", '<record a="1>'),
        ("<record>", "<record a=1 b='>"),
        ("</row>", "</row"),
        ("</row>", ""),
        ("</row>", "</raw>"),
        ("</row>", "/row>"),
        ("</row>", "</record></row>"),
        ("</source_ip>", "/source_ip>"),
        ("</source_ip>", ""),
        ("</auth_results>", "</auth_results></feedback>"),
        ("<source_ip>", "<source_ip>]]><@"),
        ("<identifiers>", "<a@example.com><b c='1\"><identifiers>"),
        ("<identifiers>", "<identifiers><:><é><x:></:></x:>"),
    ],
)
def test_a_broken_tag_costs_no_record_that_follows(before, after):
    assert recovered(SOUND.replace(before, after, 1))[1] == [4, 6]
    assert recovered(SOUND.replace(before, after))[1] == [4, 6]


@pytest.mark.parametrize("text", ["<!>", "<!x>", "<![if]>", "<?>", "]]>", "<", "<>", "</>", "a/b>"])
def test_what_looks_like_markup_and_is_none_is_text(text):
    found, messages = recovered(
        SOUND.replace("<org_name>", f"<org_name>{text}").replace("<row>", f"{text}<row>")
    )
    assert (found.reading.report.org_name, messages) == (f"{text}reporter.example", [4, 6])


def test_what_follows_a_stray_end_of_the_report_is_the_report_s():
    text = SOUND.replace("<policy_published>", "</feedback><junk>x</junk><policy_published>")
    found, messages = recovered(text)
    assert (found.reading.report.policy.domain, messages) == ("example.com", [4, 6])


def test_a_document_that_ends_between_two_records_says_so():
    found, messages = recovered(SOUND.replace("</feedback>", ""))
    assert messages == [4, 6]
    assert found.reading.problems == (Problem("feedback", "cut off behind record 2", None),)


def test_a_broken_report_behind_a_broken_one_is_none_of_its_records_and_is_noted():
    found, messages = recovered(SOUND + SOUND)
    assert messages == [4, 6]
    assert [(each.path, each.found[:10], each.messages) for each in found.reading.problems] == [
        ("feedback", "<feedback>", None)
    ]


def test_two_reports_behind_text_that_nobody_recovers_from_are_no_report():
    with pytest.raises(ReportError) as caught:
        recovered(f"&#33;{SOUND}{SOUND}")
    assert caught.value.reason == "no-feedback"


@pytest.mark.parametrize(
    "extension",
    [
        "<x:info xmlns:x='urn:x'><x:count>7</x:count></x:info>",
        "<x:info><x:count>7</x:count><y><count>8</count></y></x:info>",
        "<info xmlns='urn:x'><count>7</count></info>",
        "<info><source_ip>192.0.2.77</source_ip><count>7</count></info>",
    ],
)
def test_an_extension_of_a_broken_report_says_nothing_for_it(extension):
    text = SOUND.replace("<row>", f"<row>{extension}").replace("<record>", f"<record>{extension}")
    found, messages = recovered(text)
    assert (messages, found.reading.problems) == ([4, 6], ())
    assert [record.source_ip for record in found.records] == ["192.0.2.1", "192.0.2.2"]


def test_what_stands_in_an_element_that_never_ends_is_read():
    assert recovered(SOUND.replace("<row>", "<row><x:info>"))[1] == [4, 6]
    assert recovered(SOUND.replace("<record>", "<info><record>"))[1] == [4, 6]


def test_records_in_a_wrapper_of_a_broken_report_are_read():
    wrapped = SOUND.replace("<record>", "<records><record>", 1).replace(
        "</feedback>", "</records></feedback>"
    )
    assert recovered(wrapped)[1] == [4, 6]
