"""Why an item, or a part of one, gave no report: the words of `rejects.reason` up to the XML.

What a document's own reader finds (no `report_id`, a DOCTYPE) has words of its own.
"""

from enum import StrEnum


class Reason(StrEnum):
    """One stable word each; the first group are exceeded budgets, named after the fields of `Budgets`."""

    MESSAGE_BYTES = "message-bytes"
    HEADER_BYTES = "header-bytes"
    PART_BYTES = "part-bytes"
    INFLATED_BYTES = "inflated-bytes"
    RATIO = "ratio"
    MEMBERS = "members"
    PARTS = "parts"
    MIME_DEPTH = "mime-depth"

    LYING_SIZES = "lying-sizes"
    """An archive's directory says another size than its member has."""
    OVERLAPPING_MEMBERS = "overlapping-members"
    """Members of an archive share bytes, as only bombs need to (Fifield, "A better zip bomb", 2019)."""
    NESTED_ARCHIVE = "nested-archive"
    """An archive inside an archive; reporters pack once."""
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    """Named or typed like a report, and neither gzip, zip nor XML."""
    UNSUPPORTED = "unsupported"
    """A container nobody can open here: S/MIME, TNEF, Outlook's own, RAR and the like."""

    EMPTY = "empty"
    REPORTER_OUTAGE = "reporter-outage"
    """The reporter sent a placeholder instead of a report, as Yahoo did in May 2023 (`unused`)."""
    BOUNCE = "bounce"
    """A delivery status about mail that was sent from here."""
    NO_REPORT = "no-report"
    """Readable, and nothing in it is a report."""


BUDGET_REASONS = frozenset(
    {
        Reason.MESSAGE_BYTES,
        Reason.HEADER_BYTES,
        Reason.PART_BYTES,
        Reason.INFLATED_BYTES,
        Reason.RATIO,
        Reason.MEMBERS,
        Reason.PARTS,
        Reason.MIME_DEPTH,
    }
)
"""Those that are raised as `TooLarge`."""
