"""A fetch that kills itself: `python -m tests.killed DATABASE FOLDER DONE POINT CALL`.

POINT names a function of the loop, `<` before or `>` after it; CALL counts its calls from 1, 0 never kills.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from dmarcwatch.collect.files import FileCollector
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, Settle
from dmarcwatch.filing import Filing
from dmarcwatch.ingest import Ingest, Kind, Run
from dmarcwatch.preparing import Preparer
from dmarcwatch.store import database as database_module
from dmarcwatch.store import rollup, writer
from dmarcwatch.store.database import open_database
from dmarcwatch.store.memory import SourceMemory
from dmarcwatch.store.pending import Pending
from tests.database import rules

POINTS = {
    "item": (Run, "_store_item"),
    "prepare": (Preparer, "prepare"),
    "file": (Filing, "file"),
    "report": (writer.Writer, "add_report"),
    "raw": (writer.Writer, "keep_raw"),
    "rows": (Pending, "write"),
    "flush": (writer.Writer, "flush"),
    "roll-up": (rollup, "roll_up"),
    "position": (SourceMemory, "write"),
    "commit": (Run, "_store"),
    "settle": (FileCollector, "settle"),
    "note-settled": (SourceMemory, "note_settled"),
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def arm(point, call):
    side, (owner, name) = point[0], POINTS[point[1:]]
    real = getattr(owner, name)
    count = 0

    def deadly(*arguments, **options):
        nonlocal count
        count += 1
        if side == "<" and count == call:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **options)
        if side == ">" and count == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def main(path, folder, done, point, call):
    assert database_module
    if int(call):
        arm(point, int(call))
    database = open_database(Path(path))
    source = FileSource(Path(folder), settle=Settle.MOVE, done=Path(done), trusted=True)
    run = Ingest(database, rules(), NOW).begin(source.name, Kind(settles=True))
    run.read(open_source(source))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
