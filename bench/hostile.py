"""What each hostile item costs: `python -m bench.hostile`. Ends with 1 where one is above its budgets.

Each is unpacked and read in an interpreter of its own, so that its memory is its own: the growth of the
largest resident set over what the process had with everything loaded and the item in its hands.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from tests.hostile import makers
from tests.test_bombs import outcome

ITEM_SECONDS = 2.0
ITEM_MEGABYTES = 200.0


class Cost(NamedTuple):
    """One item."""

    name: str
    size: int
    """Bytes of the item."""
    reason: str | None
    seconds: float
    """Of processor time."""
    megabytes: float
    """At the peak, beyond the interpreter and the item itself."""


def cost(name: str, data: bytes) -> Cost:
    """Read one item in a process of its own. Raises CalledProcessError where that dies of it."""
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = [sys.executable, "-m", "bench.hostile", file.name]
        done = subprocess.run(command, capture_output=True, check=True)
    return Cost(name, len(data), *json.loads(done.stdout))


def measure(path: Path) -> tuple[str | None, float, float]:
    """Reason, seconds and megabytes of the item in a file."""
    outcome(b"From: a@b.example\n\n")  # loads what is loaded late
    data = path.read_bytes()
    before, begun = _peak_megabytes(), _seconds()
    reason = outcome(data)
    return reason, _seconds() - begun, _peak_megabytes() - before


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_megabytes() -> float:
    # Of this program alone: `ru_maxrss` begins with the size of whoever started it.
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def above(costs: Iterable[Cost]) -> list[Cost]:
    """Those above a budget."""
    return [one for one in costs if one.seconds > ITEM_SECONDS or one.megabytes > ITEM_MEGABYTES]


def main() -> int:
    """Print every item, the dearest last."""
    if sys.argv[1:]:
        print(json.dumps(measure(Path(sys.argv[1]))))
        return 0
    costs = [cost(name, make()[0]) for name, make in makers().items()]
    print(f"{'item':<44}{'bytes':>12}{'seconds':>9}{'MB':>8}  reason")
    for one in sorted(costs, key=lambda one: one.seconds):
        print(
            f"{one.name:<44}{one.size:>12,}{one.seconds:>9.2f}{one.megabytes:>8.1f}  {one.reason or 'read'}"
        )
    print(
        f"\n{len(costs)} items, {sum(one.seconds for one in costs):.1f} s in all, dearest "
        f"{max(one.seconds for one in costs):.2f} s and {max(one.megabytes for one in costs):.0f} MB; "
        f"{len(above(costs))} above {ITEM_SECONDS:.0f} s or {ITEM_MEGABYTES:.0f} MB"
    )
    return int(bool(above(costs)))


if __name__ == "__main__":
    sys.exit(main())
