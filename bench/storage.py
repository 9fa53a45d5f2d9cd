"""How many bytes of database a record of a large report takes, with all indexes and without raw bytes.

`python -m bench.storage --reports 60` reads so many reports of set D, 5,000 records each, by a whole `fetch`.
"""

import argparse
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench.compare import Job, count_reports, prepared_set, run

MOST_BYTES = 150
"""A record of a large report may not take more."""


class Size(NamedTuple):
    """What a database takes."""

    reports: int
    records: int
    file_bytes: int

    @property
    def bytes_a_record(self) -> float:
        return self.file_bytes / self.records


def storage(source: Path, folder: Path, *, reports: int) -> Size:
    """Read the reports of a folder into a new database. Raises RuntimeError where some are missing."""
    database, settings = folder / "bench.db", folder / "dmarcwatch.toml"
    settings.write_text("keep_raw = false\n")
    options = ("--config", str(settings), "--db", str(database), "-q")
    argv = (sys.executable, "-m", "dmarcwatch", *options, "fetch", "--json", str(source))
    job = Job("dmarcwatch", argv, reports, folder / "stdout")
    run(job, folder)
    if (found := count_reports(job)) != reports:
        raise RuntimeError(f"{found} reports of {reports} were read")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        [records] = connection.execute("SELECT count(*) FROM _records").fetchone()
    return Size(reports, records, database.stat().st_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reports", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dmarcwatch-bench-") as name:
        source = prepared_set("D", asked.reports, Path(name), asked.seed)
        size = storage(source, Path(name), reports=asked.reports)
    print(
        f"{size.reports:,} reports, {size.records:,} records: {size.file_bytes / 1e6:,.1f} MB, "
        f"{size.bytes_a_record:.0f} bytes a record (at most {MOST_BYTES})"
    )


if __name__ == "__main__":
    main()
