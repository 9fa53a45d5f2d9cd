"""What happens to stored messages in a mailbox, without touching anybody else's.

A bare EXPUNGE would remove every message that anybody marked as deleted, so it is never sent: where
the server has no UIDPLUS (RFC 4315), messages stay in place, marked as deleted.
"""

from collections.abc import Callable

from dmarcwatch.collect.imap_folders import ensure_folder
from dmarcwatch.collect.imap_login import Client
from dmarcwatch.collect.sources import ImapSource, Settle

_SEEN = b"\\Seen"
_DELETED = b"\\Deleted"


def settling(source: ImapSource, uids: list[int]) -> Callable[[Client], bool]:
    """The action on an open, writable folder that settles `uids`; harmless to repeat.

    Its result is False where messages were only marked as deleted.
    """
    match source.settle:
        case Settle.SEEN:
            return lambda client: _mark_seen(client, uids)
        case Settle.MOVE:
            return lambda client: _move(client, uids, source.done)
        case Settle.DELETE:
            return lambda client: _delete(client, uids)
        case Settle.NOTHING:
            return lambda client: True


def _mark_seen(client: Client, uids: list[int]) -> bool:
    client.add_flags(uids, [_SEEN], silent=True)
    return True


def _move(client: Client, uids: list[int], done: str) -> bool:
    folder = ensure_folder(client, done)
    if client.has_capability("MOVE"):
        client.move(uids, folder)
        return True
    # Copied first: a break in between leaves a message twice, never nowhere.
    client.copy(uids, folder)
    return _delete(client, uids)


def _delete(client: Client, uids: list[int]) -> bool:
    client.add_flags(uids, [_DELETED], silent=True)
    if not client.has_capability("UIDPLUS"):
        return False
    client.uid_expunge(uids)
    return True
