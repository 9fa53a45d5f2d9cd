"""Figures in the text format of Prometheus (exposition format 0.0.4), for a textfile collector.

Names carry their unit; what only grows until something is rebuilt is a gauge all the same, because
`rebuild` may lower it and a counter that falls reads as a restart.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})

Labels = Mapping[str, str]


class Sample(NamedTuple):
    """One value with its labels."""

    labels: Labels
    value: float


class Metric(NamedTuple):
    """One gauge: all samples of a name. The name ends with its unit."""

    name: str
    help: str
    samples: tuple[Sample, ...]


def render(metrics: Iterable[Metric]) -> str:
    """The text of all metrics; one without samples is left out."""
    return "".join(line + "\n" for metric in metrics if metric.samples for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    if not _NAME.fullmatch(metric.name):
        raise ValueError(f"{metric.name!r} cannot be the name of a metric")
    yield f"# HELP {metric.name} {metric.help.translate(_HELP_ESCAPES)}"
    yield f"# TYPE {metric.name} gauge"
    for sample in metric.samples:
        inside = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in sample.labels.items())
        yield (
            f"{metric.name}{{{inside}}} {_number(sample.value)}"
            if inside
            else (f"{metric.name} {_number(sample.value)}")
        )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
