"""Which reports count is the same for the job and for `fetch`, after any history of deliveries."""

from collections import Counter
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmarcwatch.plausible import VOUCHED, Held, Why
from dmarcwatch.report import Tier
from dmarcwatch.scale.settling import DUPLICATE, Entry, Identity, settle
from tests.scale.build import differences, fetch, imported, picture, read
from tests.store.test_rollup import reports

IDENTITY = Identity("example.com", "a.example", "2026-11-18T00:00:00Z", "2026-11-18T23:59:59Z", "A")


def entry(number, **changes):
    about = {
        "sha256": f"{number}", "report_id": "1", "fingerprint": 7, "records": 2, "messages": 6, "p": "none",
        "day": date(2026, 11, 18), "tier": Tier.LOCAL, "received_at": "2026-11-19T03:00:00Z", "status": None,
    }  # fmt: skip
    return Entry(id=number, identity=IDENTITY, **(about | changes))


class Holds:
    """Knowledge that holds the reports with these ids, as long as nobody vouches for them."""

    def __init__(self, *held):
        self._held = held
        self.counted = Counter()

    def held(self, entry):
        holds = entry.id in self._held and entry.tier not in VOUCHED
        return Held(Why.PERIOD, "never") if holds else None

    def count(self, entry, sign):
        self.counted[entry.id] += sign


def settled(*entries, earlier=(), knowledge=None, holds_all=lambda new, old: False):
    settle(entries, earlier, knowledge=knowledge or Holds(), holds_all=holds_all)
    return [each.status for each in (*earlier, *entries)]


def test_the_same_bytes_are_a_duplicate_and_lift_the_first():
    first, again = entry(1, sha256="a", tier=Tier.UNVERIFIED), entry(2, sha256="a", received_at="later")
    assert settled(first, again) == ["counted", DUPLICATE]
    assert (first.tier, first.received_at) == (Tier.LOCAL, "later")


def test_a_later_report_that_holds_all_of_an_earlier_increments_takes_its_place():
    old = entry(1, status="counted")
    assert settled(entry(2), earlier=[old], holds_all=lambda new, old: True) == ["superseded", "counted"]


def test_the_same_records_under_another_id_count_once():
    assert settled(entry(1), entry(2, report_id="2")) == ["counted", "suspect-duplicate"]


def test_a_held_report_competes_with_none():
    held = entry(1, tier=Tier.UNVERIFIED)
    assert settled(held, entry(2), knowledge=Holds(1)) == ["held", "counted"]


def test_a_held_report_counts_once_somebody_vouches_for_it():
    held, genuine = entry(1, sha256="a", tier=Tier.UNVERIFIED), entry(2, sha256="a", tier=Tier.VERIFIED)
    assert settled(held, genuine, knowledge=Holds(1)) == ["counted", DUPLICATE]
    assert held.held is None


def test_what_is_known_follows_what_counts():
    knowledge = Holds()
    settled(entry(1), entry(2), entry(3), knowledge=knowledge, holds_all=lambda new, old: True)
    assert +knowledge.counted == {3: 1}


def test_order_of_arrival_decides_and_not_the_order_they_are_looked_at():
    one_way, other_way = [entry(1), entry(2)], [entry(2), entry(1)]
    settled(*one_way)
    settled(*other_way)
    assert [each.status for each in one_way] == [each.status for each in reversed(other_way)]


runs = st.lists(st.lists(reports, min_size=1, max_size=5), min_size=1, max_size=3)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
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
