"""What is read by its text alone says what it would say if it were parsed, whatever stands around it."""

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.compose import compose
from dmarcwatch.errors import ReportError
from dmarcwatch.parse.markup import Decoder
from dmarcwatch.report import AuthResult, Dkim, Reason, ReasonType, Spf, SpfScope
from tests.build import record, report
from tests.reading import FIXTURES, read_once
from tests.strategies import records, reports

FORWARDED = record(
    "192.0.2.7",
    2,
    envelope_from="",
    envelope_to="list.example",
    reasons=(Reason(ReasonType.FORWARDED, "arc=pass"),),
    dkim=(Dkim("example.com", None, AuthResult.FAIL),),
    spf=(Spf("list.example", SpfScope.HELO, AuthResult.SOFTFAIL),),
)
STRANGER = record("2001:db8::25", 1, dkim=(), spf=(), envelope_from=None)
USUAL = compose(report(), [record(), FORWARDED, STRANGER, record(messages=9)]).decode()
FLAT = re.sub(r">\s+<", "><", USUAL)
RECORD = USUAL[USUAL.index("<record>") : USUAL.index("</record>") + len("</record>")]
INSERTED = (
    "<!-- note -->", f"<!-- {RECORD} -->", f"<![CDATA[{RECORD}]]>", "<![CDATA[pass]]>", "<?note x?>", "<!---->",
    "<?note <begin>5</begin>?>", "&amp;", "&#51;", "&lt;", "&nope;", " ", "\n", "\r\n", "x", "\u3000", "\x1c", "\ue0000",
    "<x>1</x>", "<x/>", "<x>", "</x>", "<count>9</count>", "<source_ip>192.0.2.1</source_ip>", "<dkim/>",
    "<begin>1700000000</begin>", "<end>5</end>", "<report_id>other</report_id>", "<domain>a.example</domain>",
    "<extension><begin>1</begin></extension>", "<report_metadata></report_metadata>", "<record>", "</record>",
    "<policy_published><p>none</p></policy_published>", "<feedback>", "</feedback>", "<!DOCTYPE feedback>",
    "<date_range><begin>1</begin><end>2</end></date_range>", "<result>pass</result>", RECORD, "<error>e</error>",
    "<record/>", "<feedback/>", "<record a='1'></record >", "<x><record/></x>", "</record ><record >",
)  # fmt: skip
TEXTS = (
    "", " ", " 3 ", "3.0", "-5", "three", "³", "\uff13", "PASS", " pass", "hardfail", "null", "&lt;&gt;", "<!---->",
    "Example.COM.", "a@b.example", "b\u00fccher.example", "x" * 300, "100000001", "999999999999", "192.0.2.300",
    "::ffff:192.0.2.9", "2001:DB8::1", "fe80::1%eth0", "1700000000.5", "2026-11-18T00:00:00Z", "\ufffd", "\u202e",
    "1600000000", "0", "policy testing mode", "other", "mfrom", "example.org", "a.example", "<b/>", "]]>", "\t",
)  # fmt: skip
_RECORD_TAG = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|(</?record)>", re.DOTALL)
_TEXT = re.compile(">([^<>]*)</")


def mutated(text, rng):
    """`text` with one to three faults."""
    for _ in range(rng.randint(1, 3)):
        text = rng.choice((_insert, _say, _say, _say, _drop, _repeat, _turn, _dress))(text, rng)
    return text


def _insert(text, rng):
    at = rng.choice([match.start() for match in re.finditer("[<>]", text)])
    return text[:at] + rng.choice(INSERTED) + text[at:]


def _say(text, rng):
    match = rng.choice(list(_TEXT.finditer(text)))
    return text[: match.start(1)] + rng.choice(TEXTS) + text[match.end(1) :]


def _drop(text, rng):
    pieces = re.split("(?=<)", text)
    del pieces[rng.randrange(len(pieces))]
    return "".join(pieces)


def _repeat(text, rng):
    match = rng.choice(list(re.finditer(r"<(\w+)>[^<>]*</\1>", text)) or [re.match("", text)])
    return text[: match.end()] + match[0] + text[match.end() :]


def _turn(text, rng):
    """Two neighbours change places."""
    match = rng.choice(list(re.finditer(r"(<(\w+)>[^<>]*</\2>)(\s*)(<(\w+)>[^<>]*</\5>)", text)) or [None])
    return text[: match.start()] + match[4] + match[3] + match[1] + text[match.end() :] if match else text


def _dress(text, rng):
    """A tag is written otherwise."""
    match = rng.choice(list(re.finditer(r"<(/?)(\w+)>", text)))
    slash, name = match[1], match[2]
    dressed = rng.choice(
        (f"<{slash}{name} >", f"<{name} a='>x</'>", f"<{slash}x:{name}>", f"<{name}/>", f"<{name}\n>")
    )
    return text[: match.start()] + dressed + text[match.end() :]


def outcome(data):
    """All that a reading tells, or why there is none."""
    try:
        whole = read_once(data)
    except ReportError as error:
        return type(error), error.reason
    reading = whole.reading
    # What follows a report is quoted from where it was met.
    problems = [
        (each.path, each.messages, each.path == "feedback" or each.found) for each in reading.problems
    ]
    return (
        reading.report, whole.records, problems, reading.grade, reading.records, reading.messages, reading.unread_messages,
    )  # fmt: skip


def parsed(text):
    """The outcome where nothing is known by its text: XML allows a space there, and nobody else writes one."""
    return outcome(_RECORD_TAG.sub(lambda tag: f"{tag[1]} >" if tag[1] else tag[0], text).encode())


def assert_reads_as_parsed(text):
    """However often it was read before, and with other values in the places that change."""
    data, expected = text.encode(), parsed(text)
    assert outcome(data) == expected
    assert outcome(data) == expected
    other = text.replace("20261118", "20261119").replace("192.0.2.7<", "198.51.100.4<").replace(">9<", ">90<")
    assert outcome(other.encode()) == parsed(other)


@pytest.mark.parametrize("inserted", INSERTED)
@pytest.mark.parametrize(
    "before", ["<report_metadata>", "<date_range>", "<record>", "<row>", "<dkim>", "</record>"]
)
def test_whatever_is_inserted_reads_as_if_it_were_parsed(before, inserted):
    for text in (USUAL, FLAT):
        assert_reads_as_parsed(text.replace(before, inserted + before, 1))
        assert_reads_as_parsed(text.replace(before, before + inserted))


@pytest.mark.parametrize("said", TEXTS)
def test_whatever_is_said_reads_as_if_it_were_parsed(said):
    outcome(USUAL.encode())
    for match in _TEXT.finditer(USUAL[: USUAL.index("</record>")]):
        text = USUAL[: match.start(1)] + said + USUAL[match.end(1) :]
        assert outcome(text.encode()) == parsed(text)


@given(st.sampled_from((USUAL, FLAT)), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_a_document_with_faults_reads_as_if_it_were_parsed(text, rng):
    assert_reads_as_parsed(mutated(text, rng))


ESCAPES = {
    "<": ("&lt;", "&#60;", "&#x3C;"),
    ">": (">", ">", "&gt;", "&#62;"),
    "&": ("&amp;", "&#38;"),
    '"': ('"', "&quot;"),
    "'": ("'", "&apos;"),
    "\ue000": ("\ue000", "&#xE000;", "&#57344;", "&#x0e000;"),
    "\n": ("\n", "&#10;", "\r\n"),
}
"""How XML allows a character to be written."""
characters = st.sampled_from("<>&\"'-; \n\ue000a7").flatmap(
    lambda char: st.sampled_from(ESCAPES.get(char, (char,)))
)
written = st.lists(characters, max_size=6).map("".join)
hidden = st.sampled_from(
    ("",) * 9 + ("<!-- > -->", "<!--x</-->", "<?a b>?>", "<![CDATA[>]]>", "<![CDATA[\ue0007]]>")
)


@given(
    st.sampled_from((USUAL, FLAT)),
    st.integers(0, 40),
    st.tuples(written, hidden).map("".join),
    st.lists(written | st.sampled_from(TEXTS), min_size=2, max_size=3),
)
@settings(max_examples=200)
def test_whatever_texts_earlier_documents_had_a_document_reads_as_if_it_were_parsed(text, place, begin, ends):
    found = list(_TEXT.finditer(text))
    match = found[place % len(found)]
    for end in (*ends, ends[0]):
        document = text[: match.start(1)] + begin + end + text[match.end(1) :]
        assert outcome(document.encode()) == parsed(document)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("&lt;id-7@reporter.example>", "&lt;id-7@reporter.example>"),
        ("Mail Filter -> Reports", "Mail Filter -> Other Reports"),
        ("a>b>", "a>b>c"),
        ("&#xE000;1", "&#xE000;1"),
        ("&#57344;a", "&#57344;b"),
        ("\ue0001", "\ue0002"),
    ],
)
def test_a_literal_greater_than_sign_or_mark_costs_no_later_document_a_text(one, other):
    for before, path in (("<report_id>", "20261118.example.com"), ("<org_name>", "reporter.example")):
        for said in (one, other, one):
            text = USUAL.replace(f"{before}{path}", before + said)
            assert outcome(text.encode()) == parsed(text)
    for said in (one, other, one):
        text = USUAL.replace("arc=pass", said)
        assert outcome(text.encode()) == parsed(text)


@pytest.mark.parametrize("attribute", [' a=">"', " a='x>y'", ' a="&#xE000;0"', ' a="-->"'])
def test_attributes_change_no_text(attribute):
    for tag in ("<report_id", "<record", "<header_from", "<row"):
        for number in "12":
            assert_reads_as_parsed(USUAL.replace(f"{tag}>", f"{tag}{attribute}>").replace("arc=", number))


def test_a_report_ends_with_the_tag_it_began_with():
    prefixed = USUAL.replace("feedback>", "x:feedback>")
    for text in (
        prefixed,
        prefixed,
        prefixed.replace("</x:", "</"),
        USUAL,
        USUAL.replace("</feed", "</x:feed"),
    ):
        assert_reads_as_parsed(text)


@given(reports(), st.lists(records, max_size=4))
@settings(max_examples=50)
def test_any_document_reads_as_if_it_were_parsed(composed, its_records):
    assert_reads_as_parsed(compose(composed, its_records).decode())


@pytest.mark.parametrize(
    "path",
    sorted(path for path in FIXTURES.glob("*.xml") if b"</feedback>" in path.read_bytes()),
    ids=lambda path: path.stem,
)
def test_a_fixture_with_faults_reads_as_if_it_were_parsed(path):
    text = "".join(Decoder().pieces([path.read_bytes()]))
    assert_reads_as_parsed(text)
    rng = Random(path.stem)
    for _ in range(5):
        assert_reads_as_parsed(mutated(text, rng))
