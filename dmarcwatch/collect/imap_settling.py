"""What happens to stored messages in a mailbox, without touching anybody else's.

A bare EXPUNGE would remove every message that anybody marked as deleted, so it is never sent: where
the server has no UIDPLUS (RFC 4315), messages stay in place, marked as deleted.
"""

from functools import partial
from typing import Protocol

from dmarcwatch.collect.imap_folders import ensure_folder
from dmarcwatch.collect.imap_login import Client
from dmarcwatch.collect.sources import ImapSource, Settle

_SEEN = b"\\Seen"
_DELETED = b"\\Deleted"


class Step(Protocol):
    """Something to do in an open, writable folder."""

    def __call__(self, client: Client) -> "bool | Step":
        """What comes next; at the end True, or False where messages were only marked as deleted."""


def settling(source: ImapSource, uids: list[int]) -> Step:
    """The first step that settles `uids`.

    Steps can be repeated when a connection broke, one by one: what was answered is not asked again.
    """
    match source.settle:
        case Settle.SEEN:
            return partial(_mark_seen, uids=uids)
        case Settle.MOVE:
            return partial(_move, uids=uids, done=source.done)
        case Settle.DELETE:
            return partial(_delete, uids=uids)
        case Settle.NOTHING:
            return lambda client: True


def _mark_seen(client: Client, uids: list[int]) -> bool:
    client.add_flags(uids, [_SEEN], silent=True)
    return True


def _move(client: Client, uids: list[int], done: str) -> bool | Step:
    folder = ensure_folder(client, done)
    if client.has_capability("MOVE"):
        client.move(uids, folder)
        return True
    # Copied first: a break before the answer may leave a message twice, never nowhere.
    client.copy(uids, folder)
    return partial(_delete, uids=uids)


def _delete(client: Client, uids: list[int]) -> bool:
    client.add_flags(uids, [_DELETED], silent=True)
    if not client.has_capability("UIDPLUS"):
        return False
    client.uid_expunge(uids)
    return True
