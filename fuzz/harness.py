"""One target under atheris: `python -m fuzz.harness TARGET [libFuzzer options] CORPUS`.

atheris can also watch regular expressions, and fails on possessive ones and on those of bytes: ours are
both. The words of `words.dict` stand in for that.
"""

import sys

import atheris
import dkim  # noqa: F401  # loaded before the first input, which would be blamed for its time

with atheris.instrument_imports(include=["dmarcwatch"], enable_loader_override=False):
    from fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
