"""What is known of one item while it is read, and its row in the end."""

from hashlib import sha256
from typing import Any

from dmarcwatch.arrival import Arrival
from dmarcwatch.check.trusting import Trust
from dmarcwatch.collect import Item
from dmarcwatch.scale.recipe import Recipe
from dmarcwatch.store.identity import iso
from dmarcwatch.unpack import Unpacked


class ItemRow:
    """One item's row while it is read."""

    def __init__(self, identity: int, source: str, item: Item) -> None:
        self.id = identity
        self.documents = 0
        """Reports that were read out of it."""
        self.several = False
        self._source = source
        self._data = item.data
        self._rejects: list[dict[str, str]] = []
        self._aside: list[dict[str, Any]] = []
        self.arrival = Arrival(
            item.origin,
            item.token,
            sha256(item.data).hexdigest(),
            item.size or len(item.data),
            item.received_at,
            local=False,
        )

    def reject(self, name: str, reason: str, message: str) -> None:
        """Note that the item, or the part `name` of it, gave no report."""
        self._rejects.append({"name": name, "reason": str(reason), "message": message})

    def set_aside(self, kind: str, name: str, size: int) -> None:
        """Note a report that is not one of ours."""
        self._aside.append({"kind": str(kind), "name": name, "size": size})

    def introduce(self, item: Item, local: bool, recipe: Recipe) -> None:
        """What its origin says of it."""
        received = min(item.received_at, recipe.now) if item.received_at else None
        self.arrival = self.arrival._replace(received_at=received, local=local)

    def believe(self, item: Item, unpacked: Unpacked, trust: Trust, recipe: Recipe) -> None:
        """What the mail and its host say of its sender."""
        headers = unpacked.headers
        sender = trust.introduce(item.data, headers, local=self.arrival.local)
        if headers is None and sender.passed is None:
            return
        # A mail's own date is a claim; one in the future would hide the report from every verdict.
        dated = min(headers.date, recipe.now) if headers and headers.date else None
        self.arrival = self.arrival._replace(
            received_at=self.arrival.received_at or dated,
            from_domain=headers.from_domain if headers else None,
            authserv_id=sender.authserv_id,
            verified=sender.passed,
        )

    def row(self) -> tuple[Any, ...]:
        """The row of `schemas.ITEMS`."""
        arrival = self.arrival
        keeps = self._rejects or self._aside
        return (
            self.id, self._source, arrival.origin, arrival.token, arrival.sha256, arrival.size,
            None if arrival.received_at is None else iso(arrival.received_at), arrival.local,
            arrival.from_domain, arrival.authserv_id, arrival.verified, self.documents, self._rejects,
            self._aside, self._data if keeps else None,
        )  # fmt: skip
