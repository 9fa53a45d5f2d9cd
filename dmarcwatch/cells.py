"""Text from reports in the cells of a spreadsheet: it never begins a formula.

Reporters choose `org_name`, report ids and domains. A cell that begins like a formula is run by
spreadsheets when the file is opened (OWASP, CSV Injection); an apostrophe before it makes it text.
"""

import re

_STARTS = tuple("=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}")
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)", re.IGNORECASE | re.ASCII)


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet may take a cell's text for a formula; a negative number is none."""
    return text.startswith(_STARTS) and not _NUMBER.fullmatch(text)


def safe_cell(text: str) -> str:
    """The text as a cell may hold it."""
    return f"'{text}" if begins_formula(text) else text
