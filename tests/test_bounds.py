import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from dmarcwatch.bounds import Cell, design_effect, effective_sample, lower, share, upper

RHO = 0.05


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (upper(0, 100), 0.0295130),
        (upper(5, 100), 0.102253),
        (lower(5, 100), 0.019906),
        (upper(1, 30), 0.1486),
        (upper(2, 30), 0.195),
        (upper(0, 60), 0.0487),
        (upper(1, 60), 0.0766),
    ],
)
def test_the_bounds_are_the_published_ones(found, expected):
    assert found == pytest.approx(expected, rel=4e-3)


@pytest.mark.parametrize(
    ("failures", "sample", "share"), [(0, 149, 0.02), (1, 236, 0.02), (2, 313, 0.02), (0, 299, 0.01)]
)
def test_so_many_messages_are_needed_for_a_bound(failures, sample, share):
    assert upper(failures, sample) <= share < upper(failures, sample - 1)


@settings(max_examples=150, deadline=None)
@given(st.floats(0.01, 5000), st.floats(0.0001, 0.9999))
def test_the_bounds_are_scipys_beta_quantiles(sample, point):
    failing = sample * point
    assert upper(failing, sample) == pytest.approx(
        beta.ppf(0.95, failing + 1, sample - failing), rel=1e-6, abs=1e-9
    )
    assert lower(failing, sample) == pytest.approx(
        beta.ppf(0.05, failing, sample - failing + 1), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize(("sample", "failing"), [(1e9, 1e5), (1e6, 1.0), (3.0, 2.9999)])
def test_the_bounds_hold_for_extreme_counts(sample, failing):
    assert upper(failing, sample) == pytest.approx(beta.ppf(0.95, failing + 1, sample - failing), rel=1e-6)
    assert lower(failing, sample) == pytest.approx(beta.ppf(0.05, failing, sample - failing + 1), rel=1e-6)


def test_an_empty_sample_bounds_nothing():
    assert (upper(0, 0), lower(0, 0)) == (1.0, 0.0)


def test_nothing_but_failures_leaves_the_upper_bound_at_one():
    assert upper(7, 7) == 1.0
    assert lower(7, 7) == pytest.approx(beta.ppf(0.05, 7, 1))


@pytest.mark.parametrize(
    ("daily", "days", "sample", "bound"),
    [(200, 30, 547.9, 0.0055), (100_000, 60, 1199.8, 0.0025), (1, 14, 14.0, 0.193), (5, 30, 125.0, 0.024)],
)
def test_a_day_of_a_stream_is_worth_twenty_messages_at_most(daily, days, sample, bound):
    cells = [Cell(daily, 0)] * days
    assert effective_sample(cells, rho=RHO) == pytest.approx(sample, rel=1e-3)
    assert share(cells, rho=RHO).upper == pytest.approx(bound, rel=0.02)


def test_failures_that_come_in_lumps_shrink_the_sample():
    spread = [Cell(100, 1)] * 30
    lumped = [Cell(100, 30)] + [Cell(100, 0)] * 29
    assert share(spread, rho=RHO).upper < share(lumped, rho=RHO).upper
    assert design_effect(spread) < 1 < design_effect(lumped)


def test_days_without_messages_count_for_nothing():
    assert share([Cell(0, 0), Cell(10, 1)], rho=RHO) == share([Cell(10, 1)], rho=RHO)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=1, max_size=40))
def test_a_thousandfold_of_everything_never_beats_the_cap_of_a_day(pairs):
    cells = [Cell(m, min(f, m)) for m, f in pairs]
    bigger = [Cell(m * 1000, f * 1000) for m, f in cells]
    assert effective_sample(bigger, rho=RHO) <= len(cells) / RHO
    assert share(bigger, rho=RHO).upper >= upper(0, len(cells) / RHO) - 1e-12


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_days_is_irrelevant(pairs, random):
    cells = [Cell(m, min(f, m)) for m, f in pairs]
    shuffled = random.sample(cells, len(cells))
    assert share(shuffled, rho=RHO).upper == pytest.approx(share(cells, rho=RHO).upper)


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 1000), st.floats(0, 1))
def test_the_share_lies_between_its_bounds(sample, point):
    failing = sample * point
    assert lower(failing, sample) <= point + 1e-9
    assert upper(failing, sample) >= point - 1e-9
