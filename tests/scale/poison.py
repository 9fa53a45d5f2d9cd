"""Loaded by each worker before its first task: bytes with `POISON` end the process that unpacks them."""

import os
import signal

from dmarcwatch import preparing
from dmarcwatch.unpack import unpack

POISON = b"<!-- this document ends whoever opens it -->"


def deadly(data, budgets):
    if POISON in data:
        os.kill(os.getpid(), signal.SIGKILL)
    return unpack(data, budgets)


preparing.unpack = deadly
