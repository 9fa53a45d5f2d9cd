"""XML -> a report and its records, bounded, with an account of what could not be used.

`markup` makes elements of bytes, malformed ones as `mend` leaves them; `elements` knows their names and
places, `walk` gathers their texts, `words` reads one, `evidence` those of a record and `head` the others.
That is the long way. `way` leads past it where `known_heads` and `known_records` know a text or its shape
(`shapes`, `plan`); `tally` keeps the account and `reading` tells the result.
"""

from dmarcwatch.parse.reading import MISSING, Reading, read

__all__ = ["MISSING", "Reading", "read"]
