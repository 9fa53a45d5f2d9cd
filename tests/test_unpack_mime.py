"""Mails taken apart as Python's `email` takes them apart, and where on purpose they are not."""

import base64
import binascii
import email
import email.message
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import TooLarge
from dmarcwatch.unpack import unpack
from dmarcwatch.unpack.mime import Leaf, decode, read_mail
from tests.mail_build import gz, mail, multipart, part, report, zipped

MAILS = Path(__file__).parent.parent / "fixtures" / "mails"
BUDGETS = Budgets()

# A message returned inside a notice stays closed here, and the misspelt field is read.
OTHERWISE = {
    "abuse-complaint",
    "bounce-returning-own-report",
    "linkedin-failure-report",
    "netease-failure-report-in-base64",
    "trustwave-misspelt-content-type",
}


def ours(data: bytes) -> list[tuple[str, bytes]]:
    return [(leaf.type, decode(leaf, BUDGETS)) for leaf in read_mail(data, BUDGETS).leaves]


def theirs(data: bytes) -> list[tuple[str, bytes]]:
    parts = email.message_from_bytes(data).walk()
    return [(each.get_content_type(), decoded(each)) for each in parts if not each.is_multipart()]


def decoded(each: email.message.Message) -> bytes:
    content = each.get_payload(decode=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    if (
        each.get("Content-Transfer-Encoding") == "base64"
        and content == undecoded(each)
        and len(letters) % 4 == 1
    ):
        # `email` gives up where one letter is left over; what comes before it is a cut report's beginning.
        return base64.b64decode(letters[:-1])
    return content


def undecoded(each: email.message.Message) -> bytes:
    return b"".join(each.get_payload().encode("ascii", "surrogateescape").splitlines())


def fields_of_email(data: bytes) -> list[str]:
    return [name.lower() for name, _ in email.message_from_bytes(data).items()]


@pytest.mark.parametrize("path", sorted(MAILS.glob("*.eml")), ids=lambda path: path.stem)
def test_fixtures_come_apart_as_in_email(path):
    data = path.read_bytes()
    if path.stem not in OTHERWISE:
        assert ours(data) == theirs(data)
    assert [name.decode() for name, _ in read_mail(data, BUDGETS).fields] == fields_of_email(data)


CORPUS = os.environ.get("DMARCWATCH_CORPUS")


@pytest.mark.corpus
def test_mails_of_the_corpus_come_apart_as_in_email():
    mails = [
        path.read_bytes() for path in Path(str(CORPUS), "files").iterdir() if path.suffix in {".eml", ".txt"}
    ]
    notices = re.compile(rb"message/(?:feedback-report|delivery-status)", re.IGNORECASE)
    compared = [data for data in mails if not notices.search(data) and data.lstrip()[:1] not in b"<{"]
    assert len(compared) > 40
    for data in compared:
        assert ours(data) == theirs(data)


token = st.text("abcdefXYZ0123456789=_.'-", min_size=1, max_size=12)
body = st.binary(max_size=300) | st.text("ab \r\n-=\t", max_size=200).map(str.encode)
media = st.sampled_from(
    ["text/plain", "text/html", "application/gzip", "application/octet-stream", "image/png"]
)
line_end = st.sampled_from([b"\r\n", b"\n"])


@st.composite
def leaves(draw):
    encoding = draw(st.sampled_from(["base64", "7bit", "8bit", "quoted-printable", ""]))
    content = draw(body)
    if encoding != "base64":
        content = content.replace(b"--", b"- ")  # lest chance make a delimiter out of content
    return part(content, draw(media), draw(token), encoding=encoding)


def containers(children):
    @st.composite
    def container(draw):
        boundary = draw(st.text("bcdXYZ0123456789=_", min_size=6, max_size=20))
        subtype = draw(st.sampled_from(["mixed", "alternative", "related", "signed"]))
        return multipart(draw(st.lists(children, min_size=1, max_size=3)), boundary=boundary, subtype=subtype)

    nested = st.builds(lambda inner: part(mail(inner), "message/rfc822", encoding=""), children)
    return container() | nested


@settings(max_examples=200, deadline=None)
@given(st.recursive(leaves(), containers, max_leaves=6), line_end, st.integers(0, 200))
def test_invented_mails_come_apart_as_in_email(structure, end, cut):
    data = mail(structure).replace(b"\r\n", end)
    data = data[: len(data) - cut] if cut < 100 else data
    depth = max_depth(email.message_from_bytes(data))
    if depth > BUDGETS.max_mime_depth:
        with pytest.raises(TooLarge):
            read_mail(data, BUDGETS)
    else:
        assert ours(data) == theirs(data)


def max_depth(message: email.message.Message) -> int:
    if not message.is_multipart():
        return 0
    return 1 + max(max_depth(each) for each in message.get_payload())


def leaf(raw: bytes, encoding: str) -> Leaf:
    return Leaf("text/plain", "", encoding, raw, 0, len(raw), (0, len(raw)))


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        (b"aGVsbG8=", b"hello"),
        (b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"aGVs!bG8=", b"hello"),
        (b"aGVsbG8", b"hello"),
        (b"aGVsbG8gd", b"hello "),
        (b"", b""),
        (b"=", b""),
    ],
)
def test_base64_is_decoded_as_far_as_it_goes(raw, decoded):
    assert decode(leaf(raw, "base64"), BUDGETS) == decoded


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["base64", "quoted-printable", "x-unknown"]))
def test_any_bytes_decode(raw, encoding):
    assert isinstance(decode(leaf(raw, encoding), BUDGETS), bytes)


def test_a_part_larger_than_its_budget_is_not_decoded():
    for encoding in ("base64", ""):
        with pytest.raises(TooLarge) as caught:
            decode(leaf(b"A" * 2000, encoding), Budgets(max_part_bytes=1000))
        assert caught.value.reason == "part-bytes"


def test_line_ends_of_old_macs_are_line_ends():
    data = mail(multipart([part(b"one", encoding=""), part(b"two", encoding="")])).replace(b"\r\n", b"\r")
    assert [content for _, content in ours(data)] == [b"one", b"two"]


def test_a_boundary_that_begins_another_one_is_told_apart():
    inner = multipart([part(b"one", encoding="")], boundary="limit--2")
    outer = multipart([inner, part(b"two", encoding="")], boundary="limit")
    assert [content for _, content in ours(mail(outer))] == [b"one", b"two"]


def test_a_mail_that_lost_its_closing_delimiter_keeps_its_last_part():
    data = mail(multipart([part(b"one", encoding=""), part(b"two", encoding="")]))
    assert [content for _, content in ours(data[: data.rindex(b"--limit--")])] == [b"one", b"two"]


@pytest.mark.parametrize(
    "declared", ["", "Content-Type: multipart/mixed\r\n", "ContentType: multipart/mixed; boundary=other\r\n"]
)
def test_a_boundary_that_the_header_lost_is_found_in_the_body(declared):
    body_of = multipart([part(b"one", encoding=""), part(b"two", encoding="")])
    data = mail(declared.encode() + body_of[body_of.index(b"\r\n\r\n") + 2 :])
    assert [content for _, content in ours(data)] == [b"one", b"two"]


def test_a_message_attached_in_base64_is_opened_as_outlook_sends_it():
    inner = mail(part(b"report", "application/gzip", "r.xml.gz"))
    outer = mail(multipart([part(inner, "application/octet-stream", "report.eml")]))
    assert [content for _, content in ours(outer)] == [b"report"]


def test_an_attached_digest_holds_messages_that_do_not_say_so():
    inner = b"\r\n" + mail(part(b"report", "application/gzip", "r.xml.gz"))
    assert ours(mail(multipart([inner], subtype="digest"))) == [("application/gzip", b"report")]


@pytest.mark.parametrize("depth", [8, 9])
def test_eight_levels_are_opened_and_no_more(depth):
    structure = part(b"report")
    for level in range(depth):
        structure = multipart([structure], boundary=f"level{level}x")
    if depth > BUDGETS.max_mime_depth:
        with pytest.raises(TooLarge) as caught:
            read_mail(mail(structure), BUDGETS)
        assert caught.value.reason == "mime-depth"
    else:
        assert [content for _, content in ours(mail(structure))] == [b"report"]


@pytest.mark.parametrize("number", [99, 100])
def test_a_hundred_parts_are_opened_their_container_included(number):
    data = mail(multipart([part(b"x", encoding="")] * number))
    if number + 1 > BUDGETS.max_parts:
        with pytest.raises(TooLarge) as caught:
            read_mail(data, BUDGETS)
        assert caught.value.reason == "parts"
    else:
        assert len(ours(data)) == number


def uu(data, name="r.xml.gz"):
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 %b\n%b`\nend\n" % (name.encode(), b"".join(lines))


@pytest.mark.parametrize("encoding", ["x-uuencode", "uuencode", "X-UUE", "uue"])
@pytest.mark.parametrize("dress", [bytes, lambda raw: raw.replace(b"\n", b"\r\n"), lambda raw: b"\n" + raw])
def test_uuencoded_parts_are_decoded(encoding, dress):
    body = dress(uu(gz(report())))
    found = unpack(mail(part(body, name="r.xml.gz", encoding=encoding)))
    assert [b"".join(document.chunks()) for document in found.documents] == [report()]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"begin 644 x\n",
        b"begin 644 x\n#86)C\n\xff\xff\n",
        b"#86)C\n",
        b"begin 644 x\n#86)CX\nend\n#86)C",
    ],
)
def test_a_uuencoded_part_is_decoded_as_far_as_it_goes(raw):
    assert decode(leaf(raw, "x-uuencode"), BUDGETS) in (b"", b"abc")


@pytest.mark.parametrize("width", [4, 10, 46, 55])
def test_base64_may_be_padded_on_every_line(width):
    data = gz(report())
    lines = [base64.b64encode(data[at : at + width]) for at in range(0, len(data), width)]
    for end in (b"\n", b"\r\n"):
        assert decode(leaf(end.join(lines) + end, "base64"), BUDGETS) == data


def test_a_footer_behind_base64_is_no_part_of_it():
    raw = base64.b64encode(b"abcd") + b"\n-- \nlist of example.com\n"
    assert decode(leaf(raw, "base64"), BUDGETS) == b"abcd"


@pytest.mark.parametrize("data", [report(), b"\r\n" + report(), gz(report()), zipped({"r.xml": report()})])
@pytest.mark.parametrize("encoding", ["base64", "x-uuencode"])
@pytest.mark.parametrize("name", ["", "r.xml"])
def test_a_report_that_is_not_encoded_as_declared_is_read_as_it_stands(data, encoding, name):
    raw = part(data, "application/octet-stream", name, encoding="").replace(
        b"\r\n\r\n", f"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode(), 1
    )
    found = unpack(mail(raw))
    assert len(found.documents) == 1
    assert b"<org_name>Reporter</org_name>" in b"".join(found.documents[0].chunks())


@pytest.mark.parametrize("blank", [b"\n", b"\r\n\r\n", b"\n" * 100])
@pytest.mark.parametrize("data", [gz(report()), zipped({"r.xml": report()})])
def test_blank_lines_before_an_archive_hide_nothing(blank, data):
    for item in (blank + data, mail(part(blank + data)), mail(part(blank + data, "text/plain", "r"))):
        assert [b"".join(document.chunks()) for document in unpack(item).documents] == [report()]
