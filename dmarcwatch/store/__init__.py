"""SQLite: facts that are only ever added to, and judgements that can be dropped and made anew."""
