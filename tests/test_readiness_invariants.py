"""What must hold of every verdict, whatever the history (dmarc.md 5.7)."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.history import History
from dmarcwatch.readiness import Judge, judge
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import PlaceKind, stream_id
from dmarcwatch.verdict import Kind
from tests.judge_build import (
    REPORTERS,
    SCATTERED,
    SES,
    TODAY,
    World,
    ago,
    blocked_by,
    healthy,
    label,
    network,
    place,
    row,
    stream,
)

PLACES = (
    SES,
    place(name="us-east-1"),
    place("sendgrid", PlaceKind.NONE, ""),
    network(),
    SCATTERED,
    place(header_from="news.example.com"),
)
STATES = (
    "both-aligned",
    "dkim-only",
    "spf-only",
    "own-dkim-broken",
    "unaligned",
    "amazonses-only",
    "altered",
)
ORDER = ("not-ready", "cannot-tell", "ready-for-quarantine")
"""Worst first."""

a_row = st.builds(
    lambda where, day, messages, state, reporter, forwarded: row(
        where, ago(day), messages, state, reporter=reporter, forwarded=forwarded
    ),
    st.sampled_from(PLACES),
    st.integers(0, 90),
    st.integers(1, 60),
    st.sampled_from(STATES),
    st.sampled_from(REPORTERS),
    st.booleans(),
)
some_rows = st.lists(a_row, max_size=40)
few = settings(max_examples=25, deadline=None)


def world_with(rows) -> World:
    world = healthy(st_days(rows))
    for where in PLACES:
        world.streams[stream_id(where)] = stream(where)
    world.rows += rows
    return world


def st_days(rows) -> int:
    """A history of 25 to 100 days, drawn from the rows themselves."""
    return 25 + (sum(one.messages for one in rows) % 76)


def rank(verdict) -> int:
    return ORDER.index(verdict.verdict)


@few
@given(some_rows, st.randoms())
def test_the_order_of_rows_is_irrelevant(rows, random):
    world = world_with(rows)
    before = world.judge()
    random.shuffle(world.rows)
    random.shuffle(world.domain_days)
    assert world.judge().as_dict() == before.as_dict()


@few
@given(some_rows, st.integers(1, 500), st.lists(st.integers(0, 90), max_size=20))
def test_spoofing_never_makes_it_worse(rows, messages, days):
    world = world_with(rows)
    before = world.judge()
    world.mail(SCATTERED, days, messages, "unaligned")
    assert rank(world.judge()) >= rank(before)


@few
@given(some_rows, some_rows)
def test_reports_that_are_not_trusted_change_nothing(rows, forged):
    world = world_with(rows)
    before = world.judge()
    world.rows += [one._replace(tier=Tier.CONSISTENT) for one in forged]
    world.rows += [one._replace(tier=Tier.UNVERIFIED, reporter="x") for one in forged]
    assert world.judge().as_dict() == before.as_dict()


@few
@given(some_rows)
def test_a_thousandfold_of_everything_shortens_no_time_that_is_asked_for(rows):
    world = world_with(rows)
    before = world.judge()
    counts = ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned", "both_aligned")
    world.rows = [one._replace(**{name: getattr(one, name) * 1000 for name in counts}) for one in world.rows]
    after = world.judge()
    for gate in ("history", "month-turn"):
        values = [[one.value for one in verdict.gates if one.gate == gate] for verdict in (before, after)]
        assert values[0] == values[1]
    bound = next(one.value for one in after.gates if one.gate == "legit-failing")
    cells = 30 * len(PLACES)
    assert bound >= 1 - 0.05 ** (0.05 / cells)


@few
@given(some_rows)
def test_a_report_in_two_halves_is_the_whole(rows):
    world = world_with(rows)
    before = world.judge()
    halves = []
    for one in world.rows:
        first = one._replace(
            **{
                name: getattr(one, name) // 2
                for name in ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned")
            }
        )
        rest = one._replace(
            **{
                name: getattr(one, name) - getattr(first, name)
                for name in ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned")
            }
        )
        halves += [first, rest]
    world.rows = halves
    assert world.judge().as_dict() == before.as_dict()


@few
@given(some_rows, st.sets(st.integers(0, 100), max_size=60))
def test_fewer_covered_days_never_come_nearer_to_enough(rows, removed):
    world = world_with(rows)
    before = world.judge()
    world.rows = [one for one in world.rows if (ago(0) - one.day).days not in removed]
    world.domain_days = [one for one in world.domain_days if (ago(0) - one.day).days not in removed]
    after = world.judge()

    def values(verdict):
        return {one.gate: one.value for one in verdict.gates if one.kind is Kind.EVIDENCE and one.at_least}

    for gate in ("history", "messages", "month-turn"):
        assert values(after)[gate] <= values(before)[gate]


@few
@given(some_rows, st.integers(0, 60))
def test_a_verdict_depends_on_what_was_received_by_then_alone(rows, back):
    world = world_with(rows)
    as_of = TODAY - timedelta(days=back)
    kept = History(
        "example.com",
        tuple(world.streams.values()),
        [one for one in world.rows if one.received_day <= as_of],
        [one for one in world.domain_days if one.received_day <= as_of],
    )
    one = Judge(world.history())
    one.at(TODAY)
    assert one.at(as_of).as_dict() == judge(kept, as_of=as_of).as_dict()


@few
@given(some_rows)
def test_an_unknown_outcome_is_never_a_pass(rows):
    world = world_with(rows)
    passing = world.judge()
    world.rows = [one._replace(dmarc_pass=0, unknown=one.dmarc_pass) for one in world.rows]
    assert rank(world.judge()) <= rank(passing)


@few
@given(some_rows)
def test_recovered_reports_are_no_good_evidence(rows):
    world = world_with(rows)
    before = world.judge()
    extra = [one._replace(grade=Grade.RECOVERED) for one in healthy(100).rows]
    world.rows += extra
    assert rank(world.judge()) <= rank(before) or not before.evidence.messages


@few
@given(st.integers(1, 4), st.integers(2, 6))
def test_a_declared_stream_of_a_thousandth_that_fails_always_blocks(messages, every):
    where = place("sendgrid", PlaceKind.NONE, "")
    world = healthy(per_reporter=3000)
    owned = stream(where, label=label(where, "owned"))
    world.add(owned, [row(where, ago(day), messages, "unaligned") for day in range(0, 60, every)])
    assert "stream-failing" in blocked_by(world.judge())
