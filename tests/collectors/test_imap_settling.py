import pytest

from dmarcwatch.collect.sources import Security, Settle
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_server import odd_server


def test_marking_as_seen_marks_only_what_is_settled(mailbox):
    mailbox.deliver(*MAIL)
    collector = mailbox.collector(Settle.SEEN)
    collector.settle(read_all(collector)[:2])
    assert list(mailbox.flags().values()) == [r"\Seen", r"\Seen", ""]


@pytest.mark.parametrize("listener", ["no_move", "few_capabilities"])
@pytest.mark.parametrize("settle", [Settle.MOVE, Settle.DELETE])
def test_somebody_elses_deleted_mail_is_never_expunged(mailbox, settle, listener):
    mailbox.deliver(*MAIL)
    host = getattr(mailbox.server, listener)
    collector = mailbox.collector(settle, host=host, verify_certificate=False)
    items = read_all(collector)
    mailbox.mark(3, r"\Deleted")
    collector.settle(items[:1])
    assert mailbox.flags()[3] == r"\Deleted"


def test_without_move_a_message_is_copied_and_taken_away_by_its_number(mailbox):
    mailbox.deliver(*MAIL)
    collector = mailbox.collector(Settle.MOVE, host=mailbox.server.no_move, verify_certificate=False)
    collector.settle(read_all(collector)[:1])
    assert list(mailbox.flags()) == [2, 3]
    assert len(mailbox.flags("DMARC/Done")) == 1


@pytest.mark.parametrize("settle", [Settle.MOVE, Settle.DELETE])
def test_without_uidplus_a_message_stays_marked_as_deleted_and_that_is_said(mailbox, settle):
    mailbox.deliver(*MAIL)
    host = mailbox.server.few_capabilities
    collector, memory = mailbox.collector(settle, host=host, verify_certificate=False), RunMemory()
    collector.settle(read_all(collector, memory)[:1])
    assert mailbox.flags() == {1: r"\Deleted", 2: "", 3: ""}
    assert mailbox.reasons() == ["unsettled"]
    assert read_all(collector, memory) == []


def test_messages_with_new_numbers_are_not_settled_by_their_old_ones(mailbox):
    mailbox.deliver(*MAIL)
    items = read_all(mailbox.collector())
    mailbox.renumber()
    mailbox.collector(Settle.DELETE).settle(items)
    assert len(read_all(mailbox.collector())) == len(MAIL)
    assert mailbox.reasons() == ["unsettled"]


def test_a_folder_that_may_only_be_read_is_read_but_cannot_be_settled(mailbox):
    mailbox.create("Shared")
    mailbox.deliver(*MAIL, folder="Shared")
    mailbox.allow("Shared", "lr")
    collector = mailbox.collector(Settle.DELETE, folders=("Shared",))
    items = read_all(collector)
    assert len(items) == len(MAIL)
    with pytest.raises(CollectError, match="may only read the folder Shared") as caught:
        collector.settle(items)
    assert caught.value.hint


def test_settled_mail_of_several_folders_goes_to_one(mailbox):
    mailbox.create("Reports")
    mailbox.deliver(MAIL[0])
    mailbox.deliver(MAIL[1], folder="Reports")
    collector = mailbox.collector(Settle.MOVE, folders=("INBOX", "Reports"))
    collector.settle(read_all(collector))
    assert (mailbox.flags(), mailbox.flags("Reports"), len(mailbox.flags("DMARC/Done"))) == ({}, {}, 2)


# -- where it is refused ---------------------------------------------------------------------------


def test_a_folder_for_settled_mail_that_may_not_be_written_to_is_named_with_the_remedy(mailbox):
    mailbox.deliver(*MAIL)
    mailbox.create("DMARC", "DMARC/Done")
    mailbox.allow("DMARC.Done", "lr")
    collector = mailbox.collector(Settle.MOVE)
    with pytest.raises(CollectError) as caught:
        collector.settle(read_all(collector))
    user = mailbox.source.user
    assert f"{user} may not move messages of INBOX to DMARC/Done: " in caught.value.message
    assert "right to insert" in caught.value.hint
    assert "(RFC 4314)" in caught.value.hint
    assert 'settle = "nothing"' in caught.value.hint
    assert len(mailbox.flags()) == len(MAIL)


def test_a_folder_in_which_settling_is_refused_holds_up_no_other(mailbox):
    mailbox.create("Shared", "Reports")
    for folder in ("Shared", "INBOX", "Reports"):
        mailbox.deliver(*MAIL, folder=folder)
    mailbox.allow("Shared", "lr")
    collector = mailbox.collector(Settle.DELETE, folders=("Shared", "INBOX", "Reports"))
    items = read_all(collector)
    with pytest.raises(CollectError, match="may only read the folder Shared"):
        collector.settle(items)
    assert (mailbox.flags(), mailbox.flags("Reports")) == ({}, {})
    assert len(mailbox.flags("Shared")) == len(MAIL)


def test_a_folder_that_is_gone_is_noticed_and_no_error(mailbox):
    mailbox.create("Old")
    for folder in ("Old", "INBOX"):
        mailbox.deliver(*MAIL, folder=folder)
    collector = mailbox.collector(Settle.DELETE, folders=("Old", "INBOX"))
    items = read_all(collector)
    mailbox.client().delete("Old")
    collector.settle(items)
    assert mailbox.flags() == {}
    (notice,) = mailbox.notices
    assert notice.reason == "unsettled"
    assert notice.message == f"{mailbox.source.name}/Old: the folder is gone"


REFUSALS = [
    (
        Settle.MOVE,
        {"UID MOVE": "NO [OVERQUOTA] Sorry"},
        "the quota of USER leaves no room to move messages of INBOX to DMARC/Done: ",
        "Make room",
    ),
    (
        Settle.SEEN,
        {"UID STORE": "NO [NOPERM] No"},
        "USER may not mark messages of INBOX as seen: ",
        "the right to keep seen flags (s) (RFC 4314)",
    ),
    (
        Settle.DELETE,
        {"UID STORE": "NO [SERVERBUG] Oops"},
        "the server refuses to delete messages of INBOX: ",
        'settle = "nothing"',
    ),
]


@pytest.mark.parametrize(("settle", "ends", "words", "remedy"), REFUSALS, ids=[each[0] for each in REFUSALS])
def test_what_the_server_refuses_is_told_with_what_was_tried(mailbox, settle, ends, words, remedy):
    capabilities = "IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS"
    with odd_server({3: MAIL[0]}, capabilities=capabilities, ends=ends) as odd:
        place = {"host": "127.0.0.1", "port": odd.port, "security": Security.NONE}
        collector = mailbox.collector(settle, **place)
        with pytest.raises(CollectError) as caught:
            collector.settle(read_all(collector))
        mailbox.close()
    assert words.replace("USER", mailbox.source.user) in caught.value.message
    assert next(iter(ends.values())).split()[1] in caught.value.message
    assert remedy in caught.value.hint
