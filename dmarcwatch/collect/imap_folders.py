"""Names of folders: people write `DMARC/Done`, the server may say `INBOX.DMARC.Done`."""

import imaplib
from collections.abc import Iterator
from typing import NamedTuple

from dmarcwatch.collect.imap_errors import NOT_IMAP, nothing_matches, settled_folder
from dmarcwatch.collect.imap_login import Client
from dmarcwatch.collect.imap_marks import INBOX, canonical
from dmarcwatch.collect.sources import ImapSource, Settle
from dmarcwatch.errors import CollectError

_CLOSED = {b"\\noselect", b"\\nonexistent"}  # RFC 9051 section 7.3.1


class Folder(NamedTuple):
    """A folder to read."""

    name: str
    """As the server has it."""
    named: bool
    """False where only a pattern led to it."""


class Found(NamedTuple):
    """What a source's `folders` lead to."""

    folders: list[Folder]
    """Each once, in the order of `folders`."""
    errors: list[CollectError]
    """Why some lead nowhere."""
    garbled: list[str]
    """Names that patterns matched and nobody can ask for: they are no modified UTF-7."""

    @property
    def names(self) -> frozenset[str]:
        """The folders' names."""
        return frozenset(folder.name for folder in self.folders)


def folder_names(client: Client, pattern: str = "*") -> list[str]:
    """The folders that can be opened and match `pattern`, as LIST understands it, sorted."""
    return sorted(canonical(name) for name in _listed(client, pattern) if isinstance(name, str))


def _listed(client: Client, pattern: str) -> list[str | bytes]:
    """The same in the order they were told; a name that is no modified UTF-7 as bytes."""
    return [
        name
        for flags, _, name in client.list_folders("", pattern)
        if not _CLOSED & {flag.lower() for flag in flags}
    ]


def matching(client: Client, source: ImapSource) -> Found:
    """The folders that `source` reads.

    Patterns leave out the folder for settled mail. A name that is there under no spelling stays as it
    is, so that opening it says why.
    """
    settled = actual_name(client, source.done)
    folders: dict[str, Folder] = {}
    errors: list[CollectError] = []
    garbled: list[str] = []
    for wanted in source.folders:
        if "*" in wanted or "%" in wanted:
            names = _matched(client, wanted)
            errors += [] if names else [nothing_matches(source, wanted, known=folder_names(client))]
            garbled += [repr(name)[2:-1] for name in names if isinstance(name, bytes)]
            found = sorted(canonical(name) for name in names if isinstance(name, str))
            folders |= {name: Folder(name, False) for name in found if name not in {settled, *folders}}
            continue
        name = actual_name(client, wanted) or wanted
        if name == settled and source.settle is Settle.MOVE:
            errors.append(settled_folder(source, wanted))
        else:
            folders[name] = Folder(name, True)
    return Found(list(folders.values()), errors, list(dict.fromkeys(garbled)))


def _matched(client: Client, pattern: str) -> list[str | bytes]:
    """What matches the pattern in the first of its spellings that matches anything."""
    names = (_listed(client, spelling) for spelling in _spellings(client, pattern))
    return next(filter(None, names), [])


def actual_name(client: Client, name: str) -> str | None:
    """The name under which a folder is there; None where it is not."""
    for spelling in _spellings(client, name):
        spelling = canonical(spelling)
        if spelling == INBOX or folder_names(client, spelling):
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
    try:
        prefix = client.namespace().personal[0][0]
    except NOT_IMAP:
        return ""  # none is told, or nothing that could be one
    return prefix if isinstance(prefix, str) else ""
