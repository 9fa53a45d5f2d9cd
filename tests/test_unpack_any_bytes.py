"""Any bytes either unpack or are refused with our own error, inside the budgets."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import TooLarge, UnpackError
from dmarcwatch.reasons import BUDGET_REASONS, Reason
from dmarcwatch.unpack import unpack
from tests.mail_build import gz, mail, multipart, part, report, zipped

MAILS = sorted((Path(__file__).parent.parent / "fixtures" / "mails").glob("*.eml"))
SMALL = Budgets(
    max_message_bytes=20_000,
    max_header_bytes=4_000,
    max_part_bytes=8_000,
    max_inflated_bytes=40_000,
    ratio_free_bytes=1_000,
    max_ratio=20,
    max_members=3,
    max_parts=8,
    max_mime_depth=3,
)


def check(data: bytes, budgets: Budgets = Budgets()) -> None:
    """The whole contract of `unpack` on one input."""
    try:
        unpacked = unpack(data, budgets)
    except UnpackError as error:
        assert error.reason in set(Reason)
        assert isinstance(error, TooLarge) == (error.reason in BUDGET_REASONS)
        assert error.message
        return
    assert unpacked.documents or unpacked.set_aside
    total = 0
    for document in unpacked.documents:
        assert sum(map(len, document.chunks())) == document.size
        assert document.name.isprintable()
        total += document.size
    assert total <= budgets.max_inflated_bytes
    assert all(fault.reason in set(Reason) for fault in unpacked.faults)


SEEDS = [
    report(),
    gz(report()),
    gz(report()) + gz(report("2")),
    zipped({"a.xml": report(), "b.xml": report("2")}),
    mail(
        multipart([part(gz(report()), name="r.xml.gz"), part(zipped({"a.xml": report()}), "application/zip")])
    ),
    mail(part(mail(part(report(), "text/xml", encoding="quoted-printable")), "message/rfc822", encoding="")),
    b'{"organization-name": "x", "policies": []}',
]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes(data):
    check(data)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [b"\x1f\x8b\x08", b"PK\x03\x04", b"PK\x05\x06", b"<feedback>", b"From: a@b\n", b"{", b"H4sI"]
    ),
    st.binary(max_size=300),
)
def test_any_bytes_behind_a_known_beginning(magic, data):
    check(magic + data)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
    st.sampled_from([Budgets(), SMALL]),
)
def test_mutated_items(seed, edits, cut, budgets):
    data = bytearray(seed)
    for place, value in edits:
        data[int(place * (len(data) - 1))] = value
    check(bytes(data[: len(data) - int(cut * 40)]), budgets)


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_fixtures_cut_anywhere(path):
    data = path.read_bytes()
    for end in range(0, len(data), 97):
        check(data[:end])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=5), st.sampled_from([Budgets(), SMALL]))
def test_every_report_of_a_mail_is_found_or_missed_by_name(seeds, budgets):
    data = mail(multipart([part(seed, "application/octet-stream") for seed in seeds]))
    check(data, budgets)
    if budgets is not SMALL and all(seed in SEEDS[:3] for seed in seeds):
        expected = sum(2 if seed == SEEDS[2] else 1 for seed in seeds)
        assert len(unpack(data, budgets).documents) == expected


CORPUS = os.environ.get("DMARCWATCH_CORPUS")


@pytest.mark.corpus
def test_the_corpus_whole_and_cut():
    for path in sorted(Path(str(CORPUS), "files").iterdir()):
        data = path.read_bytes()
        check(data)
        for share in (0.3, 0.6, 0.9):
            check(data[: int(len(data) * share)])
