"""Answers that no sound server gives, and what becomes of the run that asked."""

from contextlib import closing
from dataclasses import replace
from itertools import repeat

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect.imap import ImapCollector
from dmarcwatch.errors import CollectError
from tests.collectors.memory import read_all
from tests.collectors.odd_server import odd_server
from tests.collectors.test_imap_faults import NUMBERED, collect_from, collector_of, without

DEEP = b"X " + b"(" * 50_000 + b")" * 50_000

# -- one message -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "date",
    [
        '"31-Dec-9999 23:59:59 -1200"',
        '"01-Jan-2026 00:00:00 +9900"',
        '"01-Jan-99999999999999 00:00:00 +0000"',
        '"99-Foo-2026 00:00:00 +0000"',
        '""',
        "NIL",
        "5",
        '("a" "b")',
    ],
)
def test_a_date_that_cannot_be_is_none_and_the_message_is_read(date):
    sizes = f"RFC822.SIZE {len(NUMBERED[5])}"
    with odd_server(NUMBERED, attributes={5: f"{sizes} INTERNALDATE {date}"}) as odd:
        with closing(collector_of(odd)) as collector:
            dates = {item.data: item.received_at for item in read_all(collector)}
        assert list(dates) == without()
        assert [data for data, received_at in dates.items() if received_at is None] == [NUMBERED[5]]


@pytest.mark.parametrize("size", ["NIL", '"x"', "(1 2)", "-5", "x"])
def test_a_message_whose_size_is_absurd_waits_and_the_others_are_read(size):
    with odd_server(NUMBERED, attributes={5: f"RFC822.SIZE {size} INTERNALDATE NIL"}) as odd:
        assert collect_from(odd) == (without(5), ["unreadable"])


@pytest.mark.parametrize(
    "attributes",
    [DEEP.decode(), "((((((", "RFC822.SIZE", "RFC822.SIZE {99999999999}"],
    ids=lambda text: text[:24],
)
def test_what_is_no_answer_of_a_message_holds_up_no_other(attributes):
    with odd_server(NUMBERED, attributes={5: attributes}) as odd:
        assert collect_from(odd) == (without(5), ["unreadable"])


@pytest.mark.parametrize(
    "text",
    [
        b"BODY[] 12345",
        b"BODY[] (a b)",
        b"BODY[] NIL",
        b"BODY[] {99999999999}\r\nabc",
        b"BODY[] {999999999999999999999999}\r\nabc",
        b"BODY[] {" + b"9" * 5000 + b"}\r\nabc",
        b"BODY[] {-5}\r\nabc",
        b"BODY[] {3}\r\nabc " + DEEP,
        b"UID abc BODY[] {3}\r\nabc",
    ],
    ids=lambda text: text[:24].decode(),
)
def test_a_message_whose_text_is_absurd_waits_and_the_others_are_read(text):
    with odd_server(NUMBERED, texts={5: text}) as odd:
        assert collect_from(odd) == (without(5), ["unreadable"])


def test_a_message_the_server_tells_nothing_of_is_no_message_that_went_away():
    with odd_server(NUMBERED, told={"UID FETCH 5 .*BODY": [], "UID FETCH .*5,.*BODY": []}) as odd:
        assert collect_from(odd) == ([], ["unreadable"] * 4)


def test_more_than_was_asked_for_is_not_taken_into_memory():
    large = b"x" * 1_000_000
    lied = dict.fromkeys(range(1, 31), "RFC822.SIZE 5 INTERNALDATE NIL")
    with odd_server(dict.fromkeys(lied, large), attributes=lied) as odd:
        source = collector_of(odd)._source
        notices = []
        budgets = replace(Budgets(), max_message_bytes=500_000)
        collector = ImapCollector(source, source.password.resolve, budgets=budgets, notify=notices.append)
        with closing(collector):
            # Thirty at once are too much; one by one each fits.
            assert [item.data for item in read_all(collector)] == [large] * 30


# -- a whole server --------------------------------------------------------------------------------


def complaint(odd, **options) -> CollectError:
    with pytest.raises(CollectError) as caught:
        collect_from(odd, **options)
    assert caught.value.message.startswith(f"imap://rua@127.0.0.1:{odd.port}: ")
    assert caught.value.hint
    return caught.value


def test_lines_without_end_are_an_error():
    with odd_server(NUMBERED, told={"UID SEARCH": repeat(b"* OK still here")}) as odd:
        assert "an answer of more than 58,720,256 bytes" in complaint(odd).message


@pytest.mark.parametrize("absurd", [b"* 99999999999 EXISTS", b"* OK [UIDNEXT 99999999999] here"])
def test_more_messages_than_a_folder_can_hold_are_an_error(absurd):
    with odd_server(NUMBERED, told={"EXAMINE": [absurd, b"* OK [UIDVALIDITY 7] here"]}) as odd:
        assert "99,999,999,999" in complaint(odd).message.replace("99999999999", "99,999,999,999")


@pytest.mark.parametrize(
    "told",
    [
        {"EXAMINE": [b"* 4 EXISTS", b"* OK [UIDVALIDITY abc] x", b"* OK [UIDNEXT abc] x"]},
        {"UID SEARCH": [b"* SEARCH a b"]},
        {"UID SEARCH": [b"* SEARCH {99999999999}"]},
        {"LIST": [b"* LIST {99999999999}"]},
        {"LIST": [b"* LIST " + DEEP]},
        {"CAPABILITY": [b"* CAPABILITY {99999999999}"]},
        {"CAPABILITY": [b"* CAPABILITY " + b"9" * 1_000_001]},
    ],
    ids=lambda told: " ".join(line.decode()[:40] for lines in told.values() for line in lines),
)
def test_an_answer_that_is_not_imap_is_an_error_that_says_so(told):
    with odd_server(NUMBERED, told=told) as odd:
        complaint(odd, folders=("Sub/Folder",))


@pytest.mark.parametrize(
    "told",
    [
        {"LIST": [b'* LIST (5) "/" INBOX']},
        {"LIST": [b"* LIST () 5 INBOX"]},
        {"LIST": [b"* LIST NIL"]},
        {"LIST": [b'* LIST () "/" NIL']},
        {"LIST": [], "NAMESPACE": [b"* NAMESPACE ((5 NIL)) NIL NIL"]},
        {"LIST": [], "NAMESPACE": [b"* NAMESPACE 5 NIL NIL"]},
        {"LIST": [], "NAMESPACE": [b"* NAMESPACE NIL NIL NIL"]},
        {"LIST": [], "NAMESPACE": []},
    ],
    ids=lambda told: " ".join(line.decode() for lines in told.values() for line in lines),
)
def test_what_is_told_beside_the_folders_that_are_read_does_no_harm(told):
    with odd_server(NUMBERED, told=told, capabilities="IMAP4rev1 AUTH=PLAIN NAMESPACE") as odd:
        assert collect_from(odd, folders=("INBOX", "a/b")) == (without() * 2, [])


def test_numbers_that_no_message_can_have_are_not_asked_for():
    with odd_server(NUMBERED, told={"UID SEARCH .*:": [b"* SEARCH 3 3 99999999999 5"]}) as odd:
        assert collect_from(odd) == ([NUMBERED[3], NUMBERED[5]], [])


# -- names of folders ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b'"Tom & Jerry"', b"x&AOk", b'"&////-"', b'"\xc3\xa9t\xc3\xa9"'])
def test_a_folder_whose_name_cannot_be_asked_for_is_passed_over_by_name(name):
    listed = [b'* LIST () "/" ' + name, b'* LIST () "/" INBOX']
    notices = []
    with (
        odd_server(NUMBERED, told={r'LIST "" "\*"': listed}) as odd,
        closing(collector_of(odd, notices.append, folders=("*",))) as collector,
    ):
        assert [item.data for item in read_all(collector)] == without()
    (notice,) = notices
    assert (notice.reason, notice.left) == ("unreadable", True)
    assert repr(name)[2:-1].strip('"') in notice.message
    assert notice.message.isprintable()
