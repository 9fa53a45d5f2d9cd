"""Reading a document as the program does: once as it is, and once more with recovery if it is malformed."""

from dataclasses import dataclass
from pathlib import Path

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import MalformedXml
from dmarcwatch.parse import Reading, read
from dmarcwatch.report import Record

FIXTURES = Path(__file__).parent.parent / "fixtures" / "reports"


@dataclass(frozen=True, slots=True)
class Whole:
    """A reading that came to its end."""

    reading: Reading
    records: list[Record]


def read_once(data, *, budgets=Budgets(), recover=False, size=1 << 16):
    """Read `data` in chunks of `size` bytes to its end."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    reading = read(lambda: pieces, budgets=budgets, recover=recover)
    return Whole(reading, [record for batch in reading.batches() for record in batch])


def read_whole(data, **options):
    """Read `data`, with recovery where it turns out to be malformed."""
    try:
        return read_once(data, **options)
    except MalformedXml:
        return read_once(data, recover=True, **options)


def fixture(name):
    """The bytes of a fixture."""
    return (FIXTURES / f"{name}.xml").read_bytes()


def whole(name):
    return read_whole(fixture(name))


def head(name):
    return whole(name).reading.report


def first(name):
    return whole(name).records[0]


def said(name):
    return first(name).evidence


def grade(name):
    return whole(name).reading.grade


def problems(name):
    return whole(name).reading.problems
