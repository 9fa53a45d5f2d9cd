"""Country and operator of an address, and the sender behind a host name, from files that parsedmarc ships.

No network: an IPinfo Lite database for addresses, and a table of host names' base domains. Both are found
by their path, because importing parsedmarc costs a second and fifty megabytes.
"""

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dmarcwatch.domains import organizational_domain
from dmarcwatch.sightings import NO_OPERATOR, Operator

NEVER = datetime.fromtimestamp(0, UTC)


def operator_of(ip: str) -> Operator:
    """Who announces the address; all None where the database does not know it, or is not installed."""
    reader = _reader()
    if reader is None:
        return NO_OPERATOR
    try:
        found = reader.get(ip)
    except ValueError:  # not an address
        return NO_OPERATOR
    if not isinstance(found, dict):
        return NO_OPERATOR
    number = str(found.get("asn") or "").removeprefix("AS")
    return Operator(
        int(number) if number.isascii() and number.isdigit() else None,
        found.get("as_name") or None,
        found.get("country_code") or None,
    )


def built_at() -> datetime:
    """When the database of operators was built, aware UTC; 1970 where there is none."""
    reader = _reader()
    return NEVER if reader is None else datetime.fromtimestamp(reader.metadata().build_epoch, UTC)


def sender_name(host: str) -> str | None:
    """Who a host name belongs to, as people call them; None where the table does not know its base domain."""
    name = host.rstrip(".").lower()
    return _names().get(organizational_domain(name))


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    path = _resource("maps/base_reverse_dns_map.csv")
    if path is None:
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["base_reverse_dns"].lower(): row["name"] for row in csv.DictReader(lines)}


@lru_cache(maxsize=1)
def _reader() -> Any:
    path = _resource("ipinfo/ipinfo_lite.mmdb")
    if path is None:
        return None
    import maxminddb  # only for who asks

    return maxminddb.open_database(path)


def _resource(name: str) -> Path | None:
    """A file among parsedmarc's resources; None where it is not installed or has moved it."""
    spec = find_spec("parsedmarc")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return next((path for each in folders if (path := Path(each) / "resources" / name).is_file()), None)
