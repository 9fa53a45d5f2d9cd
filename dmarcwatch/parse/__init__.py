"""XML -> a report and its records, bounded, with an account of what could not be used.

`markup` makes elements of bytes, `elements` knows their names and places, `walk` gathers their texts,
`words` reads one, `evidence` those of a record and `head` the others; `reading` leads the way (past
`shapes` where it can) and `tally` keeps the account.
"""

from dmarcwatch.parse.reading import Reading, read

__all__ = ["Reading", "read"]
