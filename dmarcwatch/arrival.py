"""How an item came: where from, when, and for whom its mail spoke."""

from datetime import datetime
from typing import NamedTuple


class Arrival(NamedTuple):
    """How an item came, as its row in `items` says it."""

    origin: str
    token: str
    sha256: str
    size: int
    """Bytes at the origin."""
    received_at: datetime | None
    local: bool
    from_domain: str | None = None
    authserv_id: str | None = None
    verified: str | None = None
    """The domain that the item's mail passed DMARC for."""
