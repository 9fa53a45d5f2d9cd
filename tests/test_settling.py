"""What is settled at the origin is what brought a report; everything else there may be somebody's mail."""

from dataclasses import dataclass, replace

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.errors import CollectError
from dmarcwatch.ingest import Ingest, Kind
from tests.build import record, report
from tests.database import NOW, Pile, fresh, rows, rules

REPORT = compose(report(), [record()])
LUNCH = b"From: a@example.net\r\nSubject: lunch\r\n\r\nAt noon?\r\n"
BROKEN = b"\x1f\x8b no gzip"
TLS_REPORT = (
    b"Content-Type: application/tlsrpt+json\r\n\r\n"
    b'{"organization-name": "d", "report-id": "1", "policies": [], "date-range": '
    b'{"start-datetime": "2026-11-01T00:00:00Z", "end-datetime": "2026-11-01T23:59:59Z"}}'
)


def settled(database, *documents):
    pile = Pile(documents)
    Ingest(database, rules(), NOW).begin("pile", Kind(settles=True)).read(pile)
    return [documents[int(token)] for token in pile.settled]


def test_mail_that_holds_no_report_is_left_alone_and_remembered(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        assert settled(database, LUNCH, REPORT, BROKEN) == [REPORT]
        assert settled(database, LUNCH, REPORT, BROKEN) == []
        assert rows(database, "SELECT outcome, settled FROM items ORDER BY id") == [
            ("reject", 1),
            ("stored", 1),
            ("reject", 1),
        ]


def test_reports_known_or_of_another_kind_are_settled_too(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        assert settled(database, REPORT, REPORT, TLS_REPORT) == [REPORT, REPORT, TLS_REPORT]
        assert rows(database, "SELECT outcome FROM items ORDER BY id") == [
            ("stored",),
            ("duplicate",),
            ("set-aside",),
        ]


def test_a_batch_without_any_report_settles_nothing(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        assert settled(database, LUNCH) == []


@dataclass
class Stubborn(Pile):
    """A pile at whose origin nothing may be changed."""

    tries: int = 0

    def settle(self, items) -> None:
        self.tries += 1
        raise CollectError(f"refused at try {self.tries}", hint="Ask for the right to.")


def a_report(number: int) -> bytes:
    return compose(report(report_id=f"{number}"), [record()])


def read(database, pile):
    run = Ingest(database, rules(), NOW).begin("pile", Kind(settles=True))
    try:
        run.read(pile)
    except CollectError as error:
        run.failed(error)
        return error.message
    return None


def test_what_cannot_be_settled_keeps_nothing_from_being_read(tmp_path):
    many = [a_report(number) for number in range(250)]
    with fresh(tmp_path / "dmarc.db") as database:
        assert read(database, Stubborn(many)) == "refused at try 1"
        assert rows(database, "SELECT count(*), sum(settled) FROM items") == [(250, 0)]
        assert rows(database, "SELECT reports, error FROM runs") == [(250, "refused at try 1")]
        # The next run settles what waits and reads what is new.
        pile = Pile([*many, a_report(250)])
        assert read(database, pile) is None
        assert sorted(pile.settled, key=int) == [f"{number}" for number in range(251)]
        assert rows(database, "SELECT count(*), sum(settled) FROM items") == [(251, 251)]


def test_a_run_gives_up_settling_after_three_refusals_in_a_row(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        read(database, Stubborn([a_report(number) for number in range(450)]))
        pile = Stubborn([a_report(number) for number in range(451)])
        assert read(database, pile) == "refused at try 1"
        assert pile.tries == 3
        assert rows(database, "SELECT count(*) FROM reports") == [(451,)]


@dataclass
class Half(Pile):
    """One of two piles that share a source: this one has the even numbers, or the odd ones."""

    rest: int = 0

    def items(self, memory):
        return (each for each in super().items(memory) if self.covers(each.token))

    def covers(self, token: str) -> bool:
        return int(token) % 2 == self.rest


def test_what_waits_is_settled_only_by_whom_it_belongs_to(tmp_path):
    documents = [a_report(number) for number in range(4)]
    with fresh(tmp_path / "dmarc.db") as database:
        read(database, Stubborn(documents))
        even, odd = Half(documents), Half(documents, rest=1)
        read(database, even)
        assert even.settled == ["0", "2"]
        read(database, odd)
        assert odd.settled == ["1", "3"]


@pytest.mark.parametrize(
    "error", [KeyError("ETag"), RecursionError(), OverflowError("date"), OSError(71, "odd")]
)
def test_an_answer_that_nobody_foresaw_is_an_error_of_its_source(tmp_path, error):
    with fresh(tmp_path / "dmarc.db") as database:
        told = read(database, Pile([REPORT], broken=error))
        assert told.startswith(f"pile: what it answered could not be understood ({type(error).__name__}")
        assert rows(database, "SELECT reports, error FROM runs") == [(1, told)]


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "Too many open files")])
def test_what_this_machine_lacks_is_no_fault_of_the_source(tmp_path, error):
    with fresh(tmp_path / "dmarc.db") as database, pytest.raises(type(error)):
        read(database, Pile([REPORT], broken=error))


class Dated(Pile):
    """A pile whose origin says when its items came."""

    def items(self, memory):
        return (replace(each, received_at=NOW) for each in super().items(memory))


def test_a_reject_that_comes_again_under_another_name_is_a_duplicate(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        pile = Dated([LUNCH, BROKEN, LUNCH])
        run = Ingest(database, rules(), NOW).begin("pile", Kind(settles=True))
        run.read(pile)
        assert (run.accounts.items, run.accounts.rejects, run.accounts.duplicates) == (3, 2, 1)
        assert rows(database, "SELECT item FROM rejects") == [(1,), (2,)]
        assert rows(database, "SELECT outcome, settled FROM items") == [
            ("reject", 1),
            ("reject", 1),
            ("duplicate", 1),
        ]
        # It may be anybody's mail, however often it comes.
        assert pile.settled == []
