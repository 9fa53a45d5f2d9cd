"""`dmarcwatch` as a program, and `python -m dmarcwatch`."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

from dmarcwatch.cli import main


def run() -> NoReturn:
    """The command line, ended at once.

    Nothing waits for the interpreter to take itself apart: after a large run that takes a while, and
    where memory ran out it may never end.
    """
    status: object = 0
    try:
        main(prog_name="dmarcwatch")
    except SystemExit as ended:
        status = ended.code
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # whoever read it is gone
            stream.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


if __name__ == "__main__":
    run()
