"""What goes wrong on purpose: a sentence, what the operator can do about it, and the exit status.

No foreign exception leaves a stage; what a stage raises is one of these.
"""

from collections.abc import Sequence


class DmarcwatchError(Exception):
    """Anything dmarcwatch reports to its user as an error."""

    exit_status = 1
    """What the process ends with (DESIGN 3.1) when nothing catches this."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """What the operator can do; empty where there is nothing to add."""


class ConfigError(DmarcwatchError):
    """The configuration cannot be used; all mistakes are named at once."""

    exit_status = 2

    def __init__(self, problems: Sequence[str], *, hint: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = tuple(problems)


class CollectError(DmarcwatchError):
    """A mailbox, bucket or folder could not be read; the next run may find it well."""

    exit_status = 4


class WorkerError(DmarcwatchError):
    """A process that reads ahead cannot be started, or not again after it died."""


class UnpackError(DmarcwatchError):
    """The bytes of an item hold nothing that can be read; the item becomes a reject."""

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        """One stable word for `rejects.reason`, such as `bomb` or `no-report`."""


class NotAReport(UnpackError):
    """Nothing in the item claims to be a report."""


class TooLarge(UnpackError):
    """A budget was exceeded; `reason` names it."""


class ReportError(DmarcwatchError):
    """A document is not an aggregate report that can be used; it becomes a reject."""

    def __init__(self, reason: str, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.reason = reason
        """One stable word for `rejects.reason`."""
        self.path = path
        """Where in the document; empty for the document as a whole."""


class MalformedXml(ReportError):
    """The XML is not well formed; reading it again with recovery may save it."""


class StoreError(DmarcwatchError):
    """The database refused: locked, full, newer than the program, or not ours."""

    exit_status = 5
