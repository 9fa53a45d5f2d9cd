"""How much one item may cost. The rua address is public, so every byte is hostile (RFC 9990 section 8.1)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budgets:
    """Bounds on what one item may hold; exceeding one makes a reject.

    Its reason is the field's name without `max_`, such as `ratio` or `part-bytes`.
    """

    max_message_bytes: int = 40 * 1024 * 1024
    """SES inbound delivers up to 40 MB with headers; no mailbox provider accepts more."""
    max_header_bytes: int = 256 * 1024
    """One header block, a MIME part's included; Exchange Online takes no larger, Postfix stops earlier."""
    max_part_bytes: int = 32 * 1024 * 1024
    """One decoded attachment. RFC 7489 speaks of a ten megabyte limit at receivers; three times that."""
    max_inflated_bytes: int = 512 * 1024 * 1024
    """One document, inflated. A report of 500,000 records is 348 MB of XML (8.5 MB as gzip)."""
    max_ratio: int = 200
    """Inflated to compressed size, asked above `ratio_free_bytes`. Real reports are near 10:1, and
    machine-made ones of half a million records near 40:1; deflate's own limit is 1032:1."""
    ratio_free_bytes: int = 4 * 1024 * 1024
    """Below this a document's ratio is not asked: it cannot hurt, and tiny repetitive reports exist."""
    max_members: int = 50
    """Files in one archive that are looked at; reporters send one."""
    max_parts: int = 100
    """MIME parts of one message, those of nested messages included."""
    max_mime_depth: int = 8
    """Nesting of multiparts and forwarded messages; Microsoft's own mails need four."""
    max_xml_depth: int = 16
    """Element nesting; the schema needs six."""
    max_leaves: int = 10_000
    """Texts of one record, or of a report outside its records; a record with a hundred signatures has 310."""
    max_records: int = 2_000_000
    """Records of one report; the largest seen in public held 900,000 lines."""
    max_signatures: int = 100
    """DKIM results of one record (RFC 9990 section 3.1.1.12 asks for no more than 100)."""
    max_reasons: int = 20
    """Override reasons of one record; RFC 9990 lists five types."""
    max_text_chars: int = 4096
    """One text node. Longer text is cut at its meaning's own limit or makes a problem."""
    max_comment_chars: int = 1024
    """Free text that is stored: comments, contact information, error lines."""
    max_problems: int = 1000
    """Problems listed for one report; what comes after is counted, not listed."""
