"""Which folders are read, and what is said of those that cannot be."""

from dataclasses import replace

import pytest

from dmarcwatch.collect.sources import Security, Settle
from dmarcwatch.errors import CollectError, ConfigError
from tests.collectors.contract import MAIL
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_server import odd_server


def test_folders_are_read_by_name_and_by_pattern_but_never_the_one_for_settled_mail(mailbox):
    mailbox.create("Reports", "Reports/Google", "Reports/Yahoo &- more", "DMARC/Done", "Other")
    for folder in ("INBOX", "Reports/Google", "Reports/Yahoo &- more", "DMARC/Done", "Other"):
        mailbox.deliver(f"Subject: {folder}\r\n\r\n".encode(), folder=folder)
    read = read_all(mailbox.collector(folders=("INBOX", "Reports/*", "*/Done")))
    assert [item.token.rsplit("/", 2)[0] for item in read] == [
        "INBOX",
        "Reports/Google",
        "Reports/Yahoo & more",
    ]


def test_each_folder_has_a_mark_of_its_own(mailbox):
    mailbox.create("Reports")
    mailbox.deliver(MAIL[0])
    mailbox.deliver(MAIL[1], folder="Reports")
    memory = RunMemory()
    read_all(mailbox.collector(), memory)
    assert [item.data for item in read_all(mailbox.collector(folders=("*",)), memory)] == [MAIL[1]]
    assert read_all(mailbox.collector(), memory) == []


def test_a_slash_in_a_folder_name_stands_for_whatever_the_server_uses(mailbox):
    mailbox.source = replace(mailbox.source, user="dotted")
    mailbox.create("INBOX.DMARC.In")
    mailbox.deliver(*MAIL, folder="INBOX.DMARC.In")
    collector = mailbox.collector(Settle.MOVE, folders=("DMARC/In",))
    collector.settle(read_all(collector))
    assert len(mailbox.flags("INBOX.DMARC.Done")) == len(MAIL)


def test_a_missing_folder_is_an_error_that_names_those_there_are(mailbox):
    mailbox.create("Reports")
    with pytest.raises(CollectError, match=r"the folder Repotrs cannot be opened: .*doesn't exist") as caught:
        read_all(mailbox.collector(folders=("Repotrs",)))
    assert caught.value.hint == "Folders there are: INBOX, Reports."


def test_a_folder_without_permission_is_an_error(mailbox):
    mailbox.create("Locked")
    mailbox.allow("Locked", "l")
    with pytest.raises(CollectError, match="may not open the folder Locked") as caught:
        read_all(mailbox.collector(folders=("Locked",)))
    assert caught.value.hint


# -- folders that cannot be read -------------------------------------------------------------------


def read_until_error(mailbox, **changes) -> tuple[list[bytes], CollectError]:
    memory, items = RunMemory(), []
    with pytest.raises(CollectError) as caught:
        for item in mailbox.collector(**changes).items(memory):
            items.append(item.data)
            memory.commit([item])
    return items, caught.value


def test_a_folder_that_is_not_there_holds_up_no_other(mailbox):
    mailbox.create("Reports")
    mailbox.deliver(MAIL[0])
    mailbox.deliver(MAIL[1], folder="Reports")
    read, error = read_until_error(mailbox, folders=("Wrong", "INBOX", "Missing", "Reports"))
    assert read == MAIL[:2]
    assert "the folder Wrong cannot be opened" in error.message
    assert error.message.endswith("(and 1 error more, of other folders)")
    assert error.hint == "Folders there are: INBOX, Reports."


def test_a_folder_named_that_may_not_be_opened_is_an_error_after_the_others(mailbox):
    mailbox.create("Locked")
    mailbox.allow("Locked", "l")
    mailbox.deliver(*MAIL)
    read, error = read_until_error(mailbox, folders=("Locked", "*"))
    assert read == MAIL
    assert "may not open the folder Locked" in error.message


def test_a_folder_that_only_a_pattern_found_and_may_not_be_opened_is_noticed(mailbox):
    mailbox.create("A", "Locked", "Z")
    mailbox.allow("Locked", "l")
    mailbox.deliver(MAIL[0], folder="A")
    mailbox.deliver(MAIL[1], folder="Z")
    assert [item.data for item in read_all(mailbox.collector(folders=("*",)))] == MAIL[:2]
    (notice,) = mailbox.notices
    assert (notice.reason, notice.left) == ("unreadable", True)
    assert "may not open the folder Locked" in notice.message


@pytest.mark.parametrize(
    ("folders", "done"),
    [(("INBOX", "DMARC/Done"), "DMARC/Done"), (("DMARC.Done",), "DMARC/Done"), (("inbox",), "INBOX")],
)
def test_the_folder_for_settled_mail_cannot_be_read_as_well(mailbox, folders, done):
    with pytest.raises(ConfigError, match="cannot be read and be the folder `done` as well"):
        replace(mailbox.source, folders=folders, settle=Settle.MOVE, done=done)
    assert replace(mailbox.source, folders=folders, done=done).folders == folders


def test_the_folder_for_settled_mail_is_known_under_its_other_name_too(mailbox):
    mailbox.source = replace(mailbox.source, user="dotted")
    mailbox.create("INBOX.Weekly", "INBOX.Weekly.Done")
    mailbox.deliver(MAIL[0], folder="INBOX.Weekly")
    mailbox.deliver(MAIL[1], folder="INBOX.Weekly.Done")
    folders = {"folders": ("INBOX.Weekly.Done", "Weekly"), "done": "Weekly/Done", "settle": Settle.MOVE}
    read, error = read_until_error(mailbox, **folders)
    assert read == MAIL[:1]
    assert "INBOX.Weekly.Done is the folder that stored mail is moved to" in error.message
    assert error.hint


# -- patterns --------------------------------------------------------------------------------------


def test_a_pattern_that_matches_nothing_is_an_error_after_the_others(mailbox):
    mailbox.deliver(*MAIL)
    mailbox.create(*(f"Folder{number:02}" for number in range(14)))
    read, error = read_until_error(mailbox, folders=("DMRAC/*", "INBOX"))
    assert read == MAIL
    assert error.message == f"{mailbox.source.name}: no folder matches DMRAC/*"
    assert error.hint.startswith("Folders there are: Folder00, Folder01, ")
    assert error.hint.endswith(" and 5 more.")


def test_a_pattern_that_matches_only_settled_mail_is_none_that_matches_nothing(mailbox):
    mailbox.create("DMARC/Done")
    assert read_all(mailbox.collector(folders=("INBOX", "DMARC/*"))) == []


def test_a_slash_in_a_pattern_stands_for_whatever_the_server_uses(mailbox):
    mailbox.source = replace(mailbox.source, user="dotted")
    mailbox.create("INBOX.Daily.In")
    mailbox.deliver(MAIL[0], folder="INBOX.Daily.In")
    for pattern in ("Daily/*", "Daily/%", "Dail%/In", "INBOX.Daily.*"):
        assert [item.data for item in read_all(mailbox.collector(folders=(pattern,)))] == MAIL[:1]


def test_inbox_is_one_folder_in_whatever_case(mailbox):
    mailbox.deliver(*MAIL)
    for folders in (("inbox", "*"), ("*", "Inbox"), ("iNbOx",)):
        items = read_all(mailbox.collector(folders=folders))
        assert [item.data for item in items] == MAIL
        assert {item.token.split("/")[0] for item in items} == {"INBOX"}


# -- several sources of one mailbox ----------------------------------------------------------------


def test_a_collector_covers_the_messages_of_its_own_folders(mailbox):
    mailbox.create("Reports", "Reports/Google", "DMARC/Done")
    collector = mailbox.collector(folders=("inbox", "Reports/*", "DMARC/*"))
    folders = ("INBOX", "inbox", "Reports/Google", "Reports", "DMARC/Done", "Gone")
    covered = [folder for folder in folders if collector.covers(f"{folder}/7.2/12")]
    assert covered == ["INBOX", "inbox", "Reports/Google"]


def test_which_folders_are_covered_is_asked_once(mailbox):
    with odd_server({3: MAIL[0]}) as odd:
        place = {"host": "127.0.0.1", "port": odd.port, "security": Security.NONE}
        collector = mailbox.collector(**place)
        assert collector.covers("INBOX/7/3")
        asked = len(odd.commands)
        assert not collector.covers("Other/7/3")
        assert len(odd.commands) == asked
        mailbox.close()
