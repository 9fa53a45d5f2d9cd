"""A database whose rows are counted briefly: no page need wait for the total of ten million records."""

from typing import Any

from datasette.database import Database, QueryInterrupted

COUNT_LIMIT_MS = 50
"""What cannot be counted in this time is shown without its total."""


class BrieflyCounted(Database):  # type: ignore[misc]  # Datasette has no types.
    """As Datasette's, but that counting alone has a time limit of its own."""

    async def execute(self, sql: str, *arguments: Any, **options: Any) -> Any:
        """Run a query. Raises QueryInterrupted, which Datasette's pages expect of a count."""
        if sql.startswith("select count(*) from"):
            options.setdefault("custom_time_limit", COUNT_LIMIT_MS)
        return await super().execute(sql, *arguments, **options)

    async def table_counts(self, limit: int = 10) -> dict[str, int | None]:
        """Rows by table; None for the store's own tables and for what takes longer than `limit` ms.

        The store's own are many, the largest, and hidden where the counts are shown.
        """
        counts: dict[str, int | None] = dict.fromkeys(await self.table_names())
        for name in counts:
            if not name.startswith("_"):
                counts[name] = await self._count(name, limit)
        return counts

    async def _count(self, name: str, limit: int) -> int | None:
        try:
            found = await self.execute(f"select count(*) from [{name}]", custom_time_limit=limit)
        except QueryInterrupted:
            return None
        number: int = found.rows[0][0]
        return number
