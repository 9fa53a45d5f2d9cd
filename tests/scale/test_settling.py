"""Which reports count is the same for the job and for `fetch`, after any history of deliveries."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmarcwatch.report import Tier
from dmarcwatch.scale.settling import DUPLICATE, Entry, Identity, settle
from tests.scale.build import differences, fetch, imported, picture, read
from tests.store.test_rollup import reports

IDENTITY = Identity("example.com", "a.example", "2026-11-18T00:00:00Z", "2026-11-18T23:59:59Z", "A")


def entry(number, **changes):
    about = {"sha256": f"{number}", "report_id": "1", "fingerprint": 7, "records": 2, "status": None}
    return Entry(id=number, identity=IDENTITY, tier=Tier.LOCAL, **(about | changes))


def settled(*entries, earlier=(), holds_all=lambda new, old: False):
    settle(entries, earlier, holds_all)
    return [each.status for each in (*earlier, *entries)]


def test_the_same_bytes_are_a_duplicate_and_lift_the_first():
    first, again = entry(1, sha256="a", report_id="1"), entry(2, sha256="a")
    first.tier = Tier.UNVERIFIED
    assert settled(first, again) == ["counted", DUPLICATE]
    assert first.tier is Tier.LOCAL


def test_a_later_report_that_holds_all_of_an_earlier_increments_takes_its_place():
    old = entry(1, status="counted")
    assert settled(entry(2), earlier=[old], holds_all=lambda new, old: True) == ["superseded", "counted"]


def test_the_same_records_under_another_id_count_once():
    assert settled(entry(1), entry(2, report_id="2")) == ["counted", "suspect-duplicate"]


def test_a_period_that_cannot_be_competes_with_none():
    assert settled(entry(1, held=True), entry(2)) == ["held", "counted"]


def test_order_of_arrival_decides_and_not_the_order_they_are_looked_at():
    one_way, other_way = [entry(1), entry(2)], [entry(2), entry(1)]
    settle(one_way, (), lambda new, old: False)
    settle(other_way, (), lambda new, old: False)
    assert [each.status for each in one_way] == [each.status for each in reversed(other_way)]


runs = st.lists(st.lists(reports, min_size=1, max_size=5), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=runs)
def test_any_history_of_increments_is_that_of_as_many_fetches(tmp_path_factory, runs):
    base = tmp_path_factory.mktemp("history")
    folders = []
    for number, documents in enumerate(runs):
        folders.append(base / f"run{number}")
        folders[-1].mkdir()
        for at, data in enumerate(documents):
            (folders[-1] / f"{at}.xml").write_bytes(data)
    accounts = fetch(base / "fetched.db", folders)
    summaries = [
        summary
        for number, _ in enumerate(folders)
        for summary in read(base / "set", *folders[: number + 1], batch=2)
    ]
    imported(base / "set", base / "imported.db")
    assert sum(summary.accounts.duplicates for summary in summaries) == accounts.duplicates
    assert differences(picture(base / "fetched.db"), picture(base / "imported.db")) == {}
