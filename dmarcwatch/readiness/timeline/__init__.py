"""The history of a domain as day cells that grow with what was received: the index behind `judge`.

A verdict as of a day may use only what had arrived by then, and calibration asks for thousands of
days of one domain. So rows are sorted by arrival once and added to the cells as `as_of` passes.
Days are ordinals (`date.toordinal`) in here: plain integers subtract and hash faster.
"""

from dmarcwatch.readiness.timeline.cells import (
    WHOLE_FAILING,
    DayCell,
    DomainCell,
    Indirect,
    PlaceDay,
    PolicySeen,
)
from dmarcwatch.readiness.timeline.index import Timeline
from dmarcwatch.readiness.timeline.track import Track

__all__ = [
    "WHOLE_FAILING",
    "DayCell",
    "DomainCell",
    "Indirect",
    "PlaceDay",
    "PolicySeen",
    "Timeline",
    "Track",
]
