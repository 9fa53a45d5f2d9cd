"""What is fuzzed: one function a target, from bytes to nothing; whatever else leaves it is a finding.

Plain functions, so that the test suite replays seeds and findings without the fuzzer.
"""

from collections.abc import Callable, Mapping

from dmarcwatch.budgets import Budgets
from dmarcwatch.check.arrival import verify
from dmarcwatch.check.trusting import Trust
from dmarcwatch.errors import MalformedXml, ReportError, UnpackError
from dmarcwatch.mail.headers import MailHeaders
from dmarcwatch.parse import read
from dmarcwatch.reasons import Reason
from dmarcwatch.report import Grade, Tier
from dmarcwatch.trust import MailHost, assess, known_reporters, reporter_key
from dmarcwatch.unpack import Document, Unpacked, unpack

Target = Callable[[bytes], None]

TIGHT = Budgets(
    max_message_bytes=20_000,
    max_header_bytes=4_000,
    max_part_bytes=8_000,
    max_inflated_bytes=40_000,
    max_ratio=20,
    ratio_free_bytes=1_000,
    max_members=3,
    max_parts=8,
    max_mime_depth=3,
    max_xml_depth=8,
    max_leaves=60,
    max_records=5,
    max_signatures=3,
    max_reasons=2,
    max_text_chars=200,
    max_comment_chars=50,
    max_problems=3,
)
"""Small enough for mutations to run into each."""
_HOSTS = (MailHost(), MailHost(("mx.example.com",)), MailHost(microsoft=True), MailHost(ses=True))


def unpack_target(data: bytes) -> None:
    """Any bytes become documents inside the budgets, or are refused with one of our reasons."""
    for budgets in (Budgets(), TIGHT):
        unpacked = _unpacked(data, budgets)
        if unpacked is None:
            continue
        assert unpacked.documents or unpacked.set_aside
        assert sum(map(_size, unpacked.documents)) <= budgets.max_inflated_bytes
        for fault in unpacked.faults:
            assert fault.reason in set(Reason), fault.reason
            assert fault.name.isprintable()


def parse_target(data: bytes) -> None:
    """Any document becomes a report whose account adds up, or is refused with a reason."""
    for budgets in (Budgets(), TIGHT):
        try:
            _read(data, budgets, recover=False)
        except MalformedXml:
            _read_recovering(data, budgets)
        except ReportError as error:
            assert error.reason


def mail_target(data: bytes) -> None:
    """Of any mail: what its headers say of its sender, and how far each report in it is believed.

    Nobody's mail host and nobody's key vouches for these bytes but by what they say of themselves, so
    that no signature may ever verify.
    """
    unpacked = _unpacked(data, Budgets())
    if unpacked is None:
        return
    assert verify(data, lookup=_no_key) == ()
    for host in _HOSTS:
        _believe(data, unpacked.headers, unpacked.documents, host)


def _unpacked(data: bytes, budgets: Budgets) -> Unpacked | None:
    try:
        return unpack(data, budgets)
    except UnpackError as error:
        assert error.reason in set(Reason), error.reason
        assert error.message
        return None


def _size(document: Document) -> int:
    assert document.name.isprintable()
    size = sum(map(len, document.chunks()))
    assert size == document.size
    return size


def _read(data: bytes, budgets: Budgets, *, recover: bool) -> None:
    reading = read(
        lambda: (data[at : at + 4096] for at in range(0, len(data), 4096)), budgets=budgets, recover=recover
    )
    messages = sum(record.messages for batch in reading.batches() for record in batch)
    assert messages == reading.messages >= 0
    assert len(reading.problems) <= budgets.max_problems + 1
    assert reading.problems == () or reading.grade is not Grade.CLEAN
    assert reporter_key(reading.report)


def _read_recovering(data: bytes, budgets: Budgets) -> None:
    try:
        _read(data, budgets, recover=True)
    except MalformedXml as error:
        raise AssertionError("recovery gave up on broken XML") from error
    except ReportError as error:
        assert error.reason


def _believe(
    data: bytes, headers: MailHeaders | None, documents: tuple[Document, ...], host: MailHost
) -> None:
    trust = Trust(known_reporters(), host, lambda _: ())
    sender = trust.introduce(data, headers, local=False)
    assert sender.passed is None or (headers is not None and sender.passed == headers.from_domain)
    assert not (sender.changed and sender.passed)
    for document in documents[:3]:
        try:
            report = read(document.chunks).report
        except ReportError:
            continue
        tier = assess(sender, report, trust.reporters)
        assert tier is not Tier.LOCAL
        assert tier is Tier.UNVERIFIED or sender.passed


def _no_key(name: str) -> bytes | None:
    return None


TARGETS: Mapping[str, Target] = {"unpack": unpack_target, "parse": parse_target, "mail": mail_target}
"""Name -> target, as the command line and the folders of seeds and findings call them."""
