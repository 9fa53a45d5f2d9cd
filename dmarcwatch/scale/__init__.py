"""The same stages on more than one machine (docs/scale.md).

`recipe` says how reports are read, `listing` and `inventory` what there is to read, `plan` which of it is
new, `opening` makes items of it (and `mboxes` knows which mails of an mbox were read before, `retrying`
what is read again). `mapping` turns a batch of objects into a `part`, whose rows `gathering` and `itemrow`
collect. `reducing` turns all parts' rows of one shard into tables: `settling` says which reports count
(`knowledge` and `recordsof` answer its questions), `earlier` which of other days that changes, `sums` adds
up their records, `pool` gives lasting networks a stream. `shelf` keeps files whole, `dataset` knows which
of them are committed, `job` leads from the list to the commit on any `engine`, and `accounts` shows that
nothing was lost; `cluster` is the engine called Dask. `importing` brings the sums into SQLite.
"""
