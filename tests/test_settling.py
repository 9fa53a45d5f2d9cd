"""What is settled at the origin is what brought a report; everything else there may be somebody's mail."""

from dmarcwatch.compose import compose
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
