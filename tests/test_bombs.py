"""Hostile items come to nothing: each is refused with its reason, or what is hostile in it is contained."""

import contextlib
import os
import tracemalloc

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import MalformedXml, ReportError, TooLarge, UnpackError
from dmarcwatch.parse import MISSING, read
from dmarcwatch.unpack import Document, unpack
from tests.hostile import makers
from tests.mail_build import gz, mail, multipart, part, report, zipped

MAKERS = makers()
CEILING_BYTES = 100 << 20
"""What unpacking may allocate beyond the item itself; Python without any of it takes some 30 MB more."""


def outcome(data: bytes) -> str | None:
    """The reason of the first reject, or None where all reports in it were read."""
    try:
        unpacked = unpack(data)
    except UnpackError as error:
        return error.reason
    reasons = [fault.reason for fault in unpacked.faults]
    return next(filter(None, [*reasons, *map(reading, unpacked.documents)]), None)


def reading(document: Document) -> str | None:
    try:
        read_all(document, recover=False)
    except MalformedXml as malformed:
        try:
            read_all(document, recover=True)
        except ReportError as error:
            return malformed.reason if error.reason in MISSING else error.reason
    except ReportError as error:
        return error.reason
    return None


def read_all(document: Document, *, recover: bool) -> None:
    for _ in read(document.chunks, recover=recover).batches():
        pass


@pytest.mark.parametrize("name", MAKERS)
def test_a_hostile_item_is_refused_for_its_reason(name):
    data, reason = MAKERS[name]()
    assert outcome(data) == reason


@pytest.mark.parametrize("name", [name for name in MAKERS if not name.startswith("xml-")])
def test_unpacking_a_hostile_item_takes_little_memory(name):
    data, _ = MAKERS[name]()
    tracemalloc.start()
    try:
        with contextlib.suppress(UnpackError):
            unpack(data)
        assert tracemalloc.get_traced_memory()[1] < CEILING_BYTES
    finally:
        tracemalloc.stop()


def test_there_are_more_than_a_hundred():
    assert len(MAKERS) > 100


def test_a_document_may_inflate_to_its_budget_and_no_further():
    budgets = Budgets(max_inflated_bytes=len(report()))
    assert unpack(gz(report()), budgets).documents
    with pytest.raises(TooLarge) as caught:
        unpack(gz(report() + b" "), budgets)
    assert caught.value.reason == "inflated-bytes"


def test_members_together_may_inflate_to_the_budget_of_one_document():
    archive = zipped({"a.xml": report("1"), "b.xml": report("2")})
    unpacked = unpack(archive, Budgets(max_inflated_bytes=2 * len(report()) - 1))
    assert len(unpacked.documents) == 1
    assert [fault.reason for fault in unpacked.faults] == ["inflated-bytes"]


def test_small_documents_are_not_asked_for_their_ratio():
    padded = report() + b" " * 1_000_000
    assert unpack(gz(padded)).documents
    with pytest.raises(TooLarge) as caught:
        unpack(gz(padded), Budgets(ratio_free_bytes=100_000))
    assert caught.value.reason == "ratio"


def test_padding_behind_a_bomb_does_not_buy_it_a_better_ratio():
    bomb = gz(report() + b" " * 30_000_000)
    padded = bomb + b"\0" * 30_000_000
    with pytest.raises(TooLarge) as caught:
        unpack(padded)
    assert caught.value.reason == "ratio"


def test_a_hundred_documents_do_not_stand_in_memory_inflated():
    each = gz(report() + os.urandom(3_000).hex().encode() * 600)
    data = mail(multipart([part(each, name=f"{number}.xml.gz") for number in range(90)]))
    tracemalloc.start()
    try:
        unpacked = unpack(data)
        assert tracemalloc.get_traced_memory()[1] < CEILING_BYTES
    finally:
        tracemalloc.stop()
    assert {sum(map(len, document.chunks())) for document in unpacked.documents} == {
        unpacked.documents[0].size
    }
    assert len(unpacked.documents) == 90


def test_a_bomb_beside_a_report_costs_only_itself():
    bomb = gz(b"<feedback>" + b"\0" * 30_000_000)
    unpacked = unpack(mail(multipart([part(bomb, name="bomb.xml.gz"), part(gz(report()))])))
    assert len(unpacked.documents) == 1
    assert [(fault.name, fault.reason) for fault in unpacked.faults] == [("bomb.xml.gz", "ratio")]


def test_a_bare_document_may_be_larger_than_a_mail():
    budgets = Budgets(max_message_bytes=100)
    assert unpack(report(), budgets).documents
    with pytest.raises(TooLarge) as caught:
        unpack(gz(report()), budgets)
    assert caught.value.reason == "message-bytes"
