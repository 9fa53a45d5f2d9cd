"""How much a share may be, given how little was seen: exact bounds, effective samples, bad days.

Clopper-Pearson and not Wilson: at no failure among 100 Wilson promises 2.63 % where 2.95 % is
true, and no failure is exactly where a ready domain stands (dmarc.md 5.3). All pure arithmetic;
numpy or scipy are not needed to run the program.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import exp, lgamma, log, log1p
from typing import NamedTuple

CONFIDENCE = 0.95
"""One-sided: the true share lies above an upper bound in one case of twenty at most."""

_TINY = 1e-300
_NOTHING = 1e-9
"""Fractions of a message below this are rounding."""
_CLOSE = 1e-12
_MAX_STEPS = 300


class Cell(NamedTuple):
    """Messages of one stream on one day, and how many of them fail: the unit that is sampled."""

    messages: float
    failing: float


@lru_cache(maxsize=16384)
def upper(failing: float, sample: float, confidence: float = CONFIDENCE) -> float:
    """The largest share that could still show so few of `sample` failing; 1.0 for an empty sample.

    Both numbers may be fractions: an effective sample is no whole number.
    """
    if failing >= sample - _NOTHING:
        return 1.0
    if failing <= _NOTHING:
        return 1.0 - exp(log(1.0 - confidence) / sample)
    return _beta_quantile(confidence, failing + 1.0, sample - failing)


@lru_cache(maxsize=16384)
def lower(failing: float, sample: float, confidence: float = CONFIDENCE) -> float:
    """The smallest share that could show so many of `sample` failing; 0.0 for an empty sample."""
    if failing <= _NOTHING:
        return 0.0
    if failing >= sample - _NOTHING:
        return exp(log(1.0 - confidence) / sample)
    return _beta_quantile(1.0 - confidence, failing, sample - failing + 1.0)


class Share(NamedTuple):
    """A failing share and the sample it rests on."""

    failing: float
    messages: float
    sample: float
    """Effective, never more than `messages`."""

    @property
    def point(self) -> float:
        """The share as counted; 0.0 where nothing was."""
        return self.failing / self.messages if self.messages else 0.0

    @property
    def upper(self) -> float:
        """One-sided 95 % upper bound; 1.0 where nothing was counted."""
        return upper(self.point * self.sample, self.sample)

    @property
    def lower(self) -> float:
        """One-sided 95 % lower bound; 0.0 where nothing was counted."""
        return lower(self.point * self.sample, self.sample)


def share(cells: Iterable[Cell], *, rho: float) -> Share:
    """The failing share of the cells with its effective sample.

    Messages of one cell are alike (one broken key fails all), so a cell is never worth more than
    1/rho. Where there are failures and they come in lumps, the design effect cuts further
    (Korn and Graubard's idea).
    """
    kept = []
    messages = failing = sample = 0.0
    for cell in cells:
        size, failed = cell
        if size > 0:
            kept.append(cell)
            messages += size
            failing += failed
            sample += size / (1.0 + (size - 1.0) * rho) if size > 1 else size  # `worth`, in line for speed
    if failing:
        sample = min(sample, messages / max(1.0, design_effect(kept)))
    return Share(failing, messages, sample)


def worth(messages: float, *, rho: float) -> float:
    """How many independent messages one cell is worth: never more than 1/rho."""
    return messages / (1.0 + (messages - 1.0) * rho) if messages > 1 else max(0.0, messages)


def effective_sample(cells: Iterable[Cell], *, rho: float) -> float:
    """How many independent messages the cells are worth."""
    return share(cells, rho=rho).sample


def design_effect(cells: Sequence[Cell]) -> float:
    """How much the variance of the failing share exceeds that of independent messages.

    The linearised ratio estimator over the cells; 1.0 where it cannot be estimated (no failure,
    nothing but failures, or a single cell).
    """
    total = sum(cell.messages for cell in cells)
    failing = sum(cell.failing for cell in cells)
    if len(cells) < 2 or failing <= 0 or failing >= total:
        return 1.0
    point = failing / total
    squares = sum((cell.failing - point * cell.messages) ** 2 for cell in cells)
    variance = len(cells) / (len(cells) - 1) * squares / total**2
    return variance * total / (point * (1.0 - point))


def _beta_quantile(probability: float, a: float, b: float) -> float:
    """Where the regularised incomplete beta function of a and b reaches `probability`.

    Newton's steps inside a bracket that halves whenever a step would leave it.
    """
    low, high = 0.0, 1.0
    x = a / (a + b)
    scale = lgamma(a + b) - lgamma(a) - lgamma(b)
    for _ in range(_MAX_STEPS):
        excess = _beta_cdf(x, a, b) - probability
        low, high = (low, x) if excess > 0 else (x, high)
        density = exp(scale + (a - 1.0) * log(x) + (b - 1.0) * log1p(-x))
        following = x - excess / density if density > _TINY else low
        if not low < following < high:
            following = (low + high) / 2.0
        if abs(following - x) <= _CLOSE * x:
            return following
        x = following
    return x


def _beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction on the side it converges fast."""
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _continued_fraction(x, a, b) / a
    return 1.0 - front * _continued_fraction(1.0 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Lentz's evaluation of the fraction of DLMF 8.17.22."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MAX_STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
