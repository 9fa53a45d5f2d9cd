"""One target under atheris: `python -m fuzz.harness TARGET [libFuzzer options] CORPUS`.

atheris can also watch regular expressions, and fails on possessive ones and on those of bytes: ours are
both. The words of `words.dict` stand in for that.
"""

import sys
from time import process_time

import atheris
import dkim  # noqa: F401  # these two are loaded before the first input, which would be blamed for them
import lxml.etree  # noqa: F401

with atheris.instrument_imports(include=["dmarcwatch"], enable_loader_override=False):
    from fuzz.targets import TARGETS, Target

ITEM_SECONDS = 2.0
"""Of processor time, instrumented and all; a busy machine makes no finding."""


def bounded(target: Target) -> Target:
    """The target, failing where an input takes longer than an item may."""

    def run(data: bytes) -> None:
        begun = process_time()
        target(data)
        spent = process_time() - begun
        assert spent <= ITEM_SECONDS, f"{len(data)} bytes took {spent:.1f} s"

    return run


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    atheris.Setup([sys.argv[0], *sys.argv[2:]], bounded(TARGETS[sys.argv[1]]))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
