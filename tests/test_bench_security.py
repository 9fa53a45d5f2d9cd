"""What hostile items cost and what forgers move is measured by programs that measure."""

import pytest

from bench.forgery import Moved, compare, report
from bench.hostile import Cost, above, cost
from bench.worlds import build
from bench.worlds_forger import Aim, Forger
from tests.hostile import makers


def test_an_item_is_measured_in_a_process_of_its_own():
    found = cost("gzip-bomb-in-members", makers()["gzip-bomb-in-members"]()[0])
    assert found.reason == "ratio"
    assert found.seconds > 0
    assert found.megabytes > 0


def test_what_is_above_a_budget_is_named():
    dear = [Cost("slow", 1, None, 2.1, 1.0), Cost("large", 1, None, 0.1, 201.0)]
    assert above([*dear, Cost("fine", 1, None, 2.0, 200.0)]) == dear


@pytest.mark.parametrize(
    ("kind", "seed", "aim"),
    [("plain", 11, Aim.BLOCKED), ("ses-unsigned", 1, Aim.READY), ("quarantined", 13, Aim.NOISE)],
)
def test_forged_reports_on_sixty_days_move_no_verdict(kind, seed, aim):
    world = build(kind, seed, days=90)
    assert compare(world, Forger(aim, reports_a_day=150, first_day=20, days=60)) == []


def test_a_verdict_that_moved_is_told():
    moved = Moved("plain:1", Aim.READY, 30, "not-ready", "ready-for-quarantine")
    text = report(1, [moved], 9)
    assert "plain:1 ready day 30: not-ready -> ready-for-quarantine" in text
    assert text.endswith("1 worlds, 9 pairs of verdicts, 1 moved")
