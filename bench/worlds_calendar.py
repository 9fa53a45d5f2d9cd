"""The days of a simulated domain and the rhythms in which senders send.

Every rhythm gives the expected messages of each day as an array, drawn once: what a world's senders
send is fixed by its seed, and what a policy would lose can be counted exactly.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.worlds_rates import Rates

LOOK_AHEAD_DAYS = 30
"""The future in which a policy is enforced, as the goals of the verdict ask."""

Days = NDArray[np.float64]
"""One number for each day of the horizon."""

_ANY_DAY = (1.0, 1.0, 1.0, 1.0, 0.95, 0.6, 0.55)
_WORKING_DAYS = (1.0, 1.0, 1.0, 1.0, 0.95, 0.02, 0.02)
_HOLIDAYS = {(12, 24), (12, 25), (12, 26), (12, 31), (1, 1)}
_HOLIDAY_SHARE = 0.25
_SHUTDOWN_SHARE = 0.03


@dataclass(frozen=True)
class Draw:
    """One world while it is drawn: its chance, its rates, its days."""

    rng: np.random.Generator
    rates: Rates
    domain: str
    start: date
    days: int
    """Days that are replayed; reports exist for these only."""
    daily: float
    """Own messages on an ordinary day, all senders together."""
    working_days: bool
    strict: bool
    """Published with adkim=s and aspf=s."""
    region: str
    """The SES region the domain mainly sends from."""

    @property
    def horizon(self) -> int:
        """Days that mail is sent on: the replayed ones and the future of the last of them."""
        return self.days + LOOK_AHEAD_DAYS + 1

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def log_between(self, low: float, high: float) -> float:
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def nothing(self) -> Days:
        return np.zeros(self.horizon)

    @cached_property
    def dates(self) -> tuple[date, ...]:
        return tuple(self.start + timedelta(day) for day in range(self.horizon))

    @cached_property
    def rhythm(self) -> Days:
        """How busy each day is: 1 on an ordinary working day; weekends, holidays, a shutdown."""
        week = _WORKING_DAYS if self.working_days else _ANY_DAY
        busy = np.array([week[day.weekday()] for day in self.dates])
        busy[[index for index, day in enumerate(self.dates) if (day.month, day.day) in _HOLIDAYS]] *= (
            _HOLIDAY_SHARE
        )
        if self.chance(self.rates.shutdown):
            first = self.whole(20, self.horizon - 20)
            busy[first : first + self.whole(5, 16)] *= _SHUTDOWN_SHARE
        return busy


def every_day(draw: Draw, mean: float) -> Days:
    """Transactional and people's mail: the domain's rhythm, busier and quieter days."""
    return mean * draw.rhythm * draw.rng.gamma(8.0, 1 / 8, draw.horizon)


def campaigns(draw: Draw, mean: float) -> Days:
    """Marketing: the mail of a month on two to ten days of it, with a tail on the day after."""
    sent = draw.nothing()
    runs = max(2, round(draw.horizon / 30 * draw.whole(2, 10)))
    for day in draw.rng.choice(draw.horizon, size=min(runs, draw.horizon), replace=False):
        size = mean * draw.horizon / runs * draw.rng.gamma(4.0, 1 / 4) * min(1.0, draw.rhythm[day] * 2)
        sent[day] += 0.9 * size
        sent[min(day + 1, draw.horizon - 1)] += 0.1 * size
    return sent


def monthly(draw: Draw, run: float, *, month_day: int) -> Days:
    """One run of `run` messages a month, on the first working day from `month_day` on."""
    sent = draw.nothing()
    for index, day in enumerate(draw.dates):
        if day.day == month_day:
            shifted = min(index + max(0, 7 - day.weekday()) % 7 * (day.weekday() > 4), draw.horizon - 1)
            sent[shifted] += run * draw.rng.gamma(20.0, 1 / 20)
    return sent


def month_end(draw: Draw, run: float) -> Days:
    """Invoices: spread over the last three days of a month and the first two of the next."""
    weights = {28: 0.15, 29: 0.1, 30: 0.2, 31: 0.2, 1: 0.25, 2: 0.1}
    return np.array([run * weights.get(day.day, 0.0) for day in draw.dates])


def quarterly(draw: Draw, run: float) -> Days:
    """Statements: on two days of each quarter's first fortnight."""
    sent = draw.nothing()
    first = draw.whole(2, 12)
    for index, day in enumerate(draw.dates):
        if day.month in (1, 4, 7, 10) and day.day in (first, first + 1):
            sent[index] += run / 2
    return sent


def weekly(draw: Draw, run: float) -> Days:
    """One run a week, always on the same day of it."""
    weekday = draw.whole(0, 4)
    return np.array([run * (day.weekday() == weekday) for day in draw.dates]) * draw.rng.gamma(
        20.0, 1 / 20, draw.horizon
    )
