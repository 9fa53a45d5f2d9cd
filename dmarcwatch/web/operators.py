"""Who operates an address, from the offline database that comes with parsedmarc (IPinfo Lite)."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple


class Operator(NamedTuple):
    """Operator and country of an address; empty text where the database does not know."""

    name: str
    country: str


NOBODY = Operator("", "")


def operators(addresses: Iterable[str | None]) -> Mapping[str, Operator]:
    """The operators of `addresses`; none of them where no database is installed."""
    reader = _reader()
    if reader is None:
        return {}
    return {address: _operator(reader, address) for address in addresses if address}


def _operator(reader: Any, address: str) -> Operator:
    try:
        found = reader.get(address)
    except ValueError:  # An address that is none, or of the other family than the database.
        return NOBODY
    if not found:
        return NOBODY
    return Operator(found.get("as_name") or "", found.get("country") or "")


@lru_cache(maxsize=1)
def _reader() -> Any:
    # Looked for by its path, because importing parsedmarc would cost the first page a second.
    spec = find_spec("parsedmarc")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "resources" / "ipinfo" / "ipinfo_lite.mmdb"
        if path.is_file():
            import maxminddb

            return maxminddb.open_database(path)
    return None
