"""Each alert once: what is told when, what is told again, and what a second look at the same state brings."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.alerts.changes import Rules, changes
from dmarcwatch.alerts.values import Alert, Condition, Kind
from tests.notify.build import NOW

DAY = timedelta(days=1)
RULES = Rules(repeat=14 * DAY)


def lasting(key="failing a", kind=Kind.STOPPED, **changes_):
    return Condition(key, Alert(kind, "a", "title", "happened"), **changes_)


def verdict(value):
    return Condition("verdict a", Alert(Kind.VERDICT, "a", "title", "happened"), value, changes=True)


class Memory:
    """What is known from run to run, as the store keeps it."""

    def __init__(self):
        self.told = {}

    def run(self, *standing, now=NOW, rules=RULES):
        found = changes(standing, self.told, now, rules)
        self.told = {each.key: each for each in found.known}
        return [(news.key, news.repeated) for news in found.news], found.over


def test_what_comes_is_told_once_and_again_only_after_it_was_gone():
    memory = Memory()
    assert memory.run(lasting()) == ([("failing a", False)], ())
    assert memory.run(lasting(), now=NOW + DAY) == ([], ())
    assert memory.run(now=NOW + 2 * DAY) == ([], ("failing a",))
    assert memory.run(lasting(), now=NOW + 3 * DAY) == ([("failing a", False)], ())


def test_what_stands_is_told_again_after_the_days_asked_for():
    memory = Memory()
    memory.run(lasting())
    days = [
        day for day in range(1, 40) if memory.run(lasting(), now=NOW + day * DAY)[0] == [("failing a", True)]
    ]
    assert days == [14, 28]


def test_with_repeat_days_0_it_is_never_told_again():
    memory = Memory()
    never = Rules(repeat=timedelta.max)
    memory.run(lasting(), rules=never)
    assert memory.run(lasting(), now=NOW + 4000 * DAY, rules=never) == ([], ())


def test_rejects_are_told_again_only_where_more_came():
    memory = Memory()
    memory.run(lasting(value="3", grows=True))
    assert memory.run(lasting(value="3", grows=True), now=NOW + 20 * DAY)[0] == []
    assert memory.run(lasting(value="4", grows=True), now=NOW + 21 * DAY)[0] == [("failing a", True)]


def test_a_verdict_is_told_when_it_changes_and_not_when_it_is_first_seen():
    memory = Memory()
    told = [memory.run(verdict(value), now=NOW + day * DAY)[0] for day, value in
            enumerate(["cannot-tell", "cannot-tell", "not-ready", "not-ready", "cannot-tell"])]  # fmt: skip
    assert [bool(news) for news in told] == [False, False, True, False, True]


def test_a_verdict_is_never_repeated():
    memory = Memory()
    memory.run(verdict("not-ready"))
    assert memory.run(verdict("not-ready"), now=NOW + 400 * DAY)[0] == []


def test_a_kind_that_is_off_is_not_told_and_what_stands_is_told_once_it_is_on_again():
    memory = Memory()
    off = Rules(RULES.repeat, off={Kind.STOPPED})
    assert memory.run(lasting(), rules=off)[0] == []
    assert memory.run(lasting())[0] == [("failing a", False)]


def test_a_kind_that_nobody_can_look_at_neither_comes_nor_goes():
    memory = Memory()
    silent = lasting("reporters a google.com", Kind.REPORTERS)
    memory.run(silent)
    blind = changes((), memory.told, NOW + DAY, Rules(RULES.repeat, unsure={Kind.REPORTERS}))
    assert (blind.news, blind.over) == ((), ())


def test_a_clock_that_jumped_a_year_ahead_and_back_does_not_silence_repeats_for_a_year():
    memory = Memory()
    memory.run(lasting(), now=NOW + 365 * DAY)
    assert memory.run(lasting(), now=NOW)[0] == []
    assert memory.run(lasting(), now=NOW + 14 * DAY)[0] == [("failing a", True)]


standing = st.lists(
    st.builds(
        lambda key, value, changing: Condition(
            key, Alert(Kind.STOPPED, key, key, key), value, changes=changing
        ),
        st.sampled_from("abc"),
        st.sampled_from("12"),
        st.booleans(),
    ),
    unique_by=lambda each: each.key,
)


@given(st.lists(standing, max_size=6))
def test_looking_twice_at_one_state_brings_no_news_the_second_time(states):
    memory = Memory()
    for each in states:
        memory.run(*each)
        assert memory.run(*each)[0] == []
