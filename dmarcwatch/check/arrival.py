"""The DKIM signatures of a mail as it arrives, where no mail host says what became of them (JUDGEMENT 5).

dkimpy does the cryptography. It neither asks that From is signed nor bounds its expressions, some of
which take quadratic time on white space, so what it is given is bounded and its answer is checked here.
Ed25519 signatures do not verify without PyNaCl; whoever makes them signs with RSA as well (RFC 8463).
"""

import re
from collections.abc import Callable, Iterator

from dmarcwatch.domains import aligned, normal_domain
from dmarcwatch.errors import TooLarge
from dmarcwatch.mail.headers import Field, header_start, mail_headers, read_fields
from dmarcwatch.mail.rfc5322 import text_of

KeyLookup = Callable[[str], bytes | None]
"""The TXT record at a name, its strings joined; None if there is none. If it raises, nothing verifies."""

_MAX_SIGNATURES = 3
"""Aligned signatures that are tried, one look-up each; reporters sign once or twice."""
_MAX_HEADER_BYTES = 64 * 1024
_MAX_FIELDS = 500
_MAX_SIGNATURE_BYTES = 4096
"""A 4096-bit signature over every field anybody signs is half of it."""
_MAX_LINES = 1_000_000
_MAX_BLANKS = 64
"""White space in one run; dkimpy's expressions are quadratic in it."""
_BLANK = b" " * (_MAX_BLANKS + 1)
_TABS = bytes.maketrans(b"\t", b" ")
_WHITE = bytes.maketrans(b"\t\r\n", b"   ")
_TAG = re.compile(r"(?:\A|;)\s*+([a-z]+)\s*+=\s*+([^;]*+)")


def verify(data: bytes, *, lookup: KeyLookup) -> tuple[str, ...]:
    """d= of the signatures that verify, of those aligned with the one From domain; each once.

    Empty where none does, and where the mail is too large or too odd to be asked. A signature counts only
    if it covers From (RFC 6376 section 5.4) and the whole body (no `l=`, section 8.2) and is not SHA-1's
    (RFC 8301). Other domains' signatures are not looked up: their names are strangers' to choose.
    """
    start = header_start(data, 0, len(data))
    try:
        fields, body = read_fields(data, start, len(data), limit=_MAX_HEADER_BYTES)
    except TooLarge:
        return ()
    sender = mail_headers(fields).from_domain
    if sender is None or len(fields) > _MAX_FIELDS or not _is_harmless(data, start, body):
        return ()
    candidates = list(_candidates(fields, sender))[:_MAX_SIGNATURES]
    verified = (domain for index, domain in candidates if _verifies(data[start:], index, domain, lookup))
    return tuple(dict.fromkeys(verified))


def _is_harmless(data: bytes, start: int, body: int) -> bool:
    """False for bytes on which dkimpy would take too long or too much memory."""
    if data.count(b"\n") > _MAX_LINES or _BLANK in data[start:body].translate(_WHITE):
        return False
    return _BLANK not in data[body:].translate(_TABS)


def _candidates(fields: list[Field], sender: str) -> Iterator[tuple[int, str]]:
    """Number among the mail's signatures, and d=, of each that could speak for `sender`."""
    signatures = [value for name, value in fields if name == b"dkim-signature"]
    for index, value in enumerate(signatures):
        if len(value) > _MAX_SIGNATURE_BYTES:
            continue
        tags = dict(_TAG.findall(text_of(value)))
        domain = normal_domain(tags.get("d", ""))
        covers = "from" in re.split(r"\s*+:\s*+", tags.get("h", "").strip().lower())
        sound = covers and "l" not in tags and "sha1" not in tags.get("a", "")
        if domain and sound and aligned(domain, sender, strict=False, policy_domain=None):
            yield index, domain


def _verifies(message: bytes, index: int, domain: str, lookup: KeyLookup) -> bool:
    import dkim  # with its cryptography 0.1 s, and most mail hosts make it needless

    def find(name: bytes, timeout: float = 5) -> bytes | None:
        return lookup(name.decode("ascii").removesuffix("."))

    try:
        signed = dkim.DKIM(message)
        passed = signed.verify(idx=index, dnsfunc=find)
        # Asked again of what dkimpy read, lest it counts or reads signatures in another way.
        return (
            bool(passed)
            and normal_domain(signed.domain.decode()) == domain
            and b"from" in signed.include_headers
        )
    except Exception:  # dkimpy leaks whatever error hostile input trips over, a look-up its own
        return False
