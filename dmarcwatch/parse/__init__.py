"""XML -> a report and its records, bounded, with an account of what could not be used.

`markup` makes elements of bytes, `elements` knows their names and places, `walk` gathers their texts,
`words` and `values` read those, `reading` leads the way and `tally` keeps the account.
"""

from dmarcwatch.parse.reading import Reading, read

__all__ = ["Reading", "read"]
