"""Names of folders: people write `DMARC/Done`, the server may say `INBOX.DMARC.Done`."""

import imaplib
from collections.abc import Iterator

from dmarcwatch.collect.imap_login import Client

_CLOSED = {b"\\noselect", b"\\nonexistent"}  # RFC 9051 section 7.3.1


def folder_names(client: Client, pattern: str = "*") -> list[str]:
    """The folders that can be opened and match `pattern`, as LIST understands it, sorted."""
    return sorted(
        name
        for flags, _, name in client.list_folders("", pattern)
        if not _CLOSED & {flag.lower() for flag in flags}
    )


def matching(client: Client, wanted: tuple[str, ...], *, without: str) -> list[str]:
    """The folders that `wanted` names, each once, in the order of `wanted`.

    Patterns leave out the folder `without`. A name that is there under no spelling stays as it is,
    so that opening it says why.
    """
    settled = actual_name(client, without)
    names: dict[str, None] = {}
    for name in wanted:
        if "*" in name or "%" in name:
            names.update((found, None) for found in folder_names(client, name) if found != settled)
        else:
            names[actual_name(client, name) or name] = None
    return list(names)


def actual_name(client: Client, name: str) -> str | None:
    """The name under which a folder is there; None where it is not."""
    for spelling in _spellings(client, name):
        if spelling.upper() == "INBOX" or folder_names(client, spelling):
            return spelling
    return None


def ensure_folder(client: Client, name: str) -> str:
    """The actual name of a folder, created where it is missing."""
    there = actual_name(client, name)
    if there is not None:
        return there
    *_, spelling = _spellings(client, name)
    # Another program may have created it meanwhile, and servers say so in different words (RFC 5530
    # ALREADYEXISTS is optional): so the question is whether it is there now.
    try:
        client.create_folder(spelling)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        if actual_name(client, spelling) is None:
            raise
    return spelling


def _spellings(client: Client, name: str) -> Iterator[str]:
    """As written, then with the server's delimiter, then below the user's own namespace."""
    yield name
    delimiter = _delimiter(client)
    translated = name.replace("/", delimiter) if delimiter else name
    if translated != name:
        yield translated
    prefix = _personal_prefix(client)
    if prefix and not translated.startswith(prefix):
        yield prefix + translated


def _delimiter(client: Client) -> str | None:
    # LIST with an empty pattern tells the delimiter and nothing else (RFC 9051 section 6.3.9).
    told = client.list_folders("", "")
    return told[0][1].decode() if told and told[0][1] else None


def _personal_prefix(client: Client) -> str:
    if not client.has_capability("NAMESPACE"):
        return ""
    personal = client.namespace().personal
    return personal[0][0] if personal else ""
