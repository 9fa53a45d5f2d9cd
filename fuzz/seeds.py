"""Where the fuzzer begins: small items of every kind, from the fixtures and the suite's hostile items.

Made anew rather than kept in the repository: `python -m fuzz.seeds FOLDER` writes them, `fuzz.run` does so
before each run, into a folder that keeps what the fuzzer learned.
"""

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tests.hostile import makers
from tests.mail_build import gz, mail, multipart, part, report, zipped

ROOT = Path(__file__).parent
FINDINGS = ROOT / "findings"
"""Inputs that once failed, one folder a target; the test suite replays them for ever."""
_FIXTURES = ROOT.parent / "fixtures"
_MAX_BYTES = 20_000
"""Larger seeds slow every mutation of them down and reach nothing that smaller ones do not."""
_SLOW_TO_MAKE = ("bomb", "larger-than", "flood", "megabyte", "of-ten", "thousand-deep")
RESULTS = (
    "mx.example.com; dmarc=pass (p=none) header.from=google.com; dkim=pass header.d=google.com",
    'mx.example.com 1; spf=pass smtp.mailfrom="a; dmarc=pass"@forger.example; dmarc=fail',
    "amazonses.com; spf=pass dkim=pass header.i=@google.com; dmarc=pass header.from=google.com",
    "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=google.com; dmarc=pass header.from=google.com",
)
"""As mail hosts, SES and Microsoft 365 write them, and as a forger would like them read."""
SIGNATURE = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=reporter.example; s=s1;\r\n"
    "\th=from:to:subject; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=AAAA"
)


def seeds(target: str) -> Iterator[bytes]:
    """The seeds of one target."""
    made = {"unpack": _items, "parse": _documents, "mail": _mails}[target]()
    return (data for data in made if len(data) <= _MAX_BYTES)


def findings(target: str) -> Iterator[bytes]:
    """What once failed."""
    return (path.read_bytes() for path in sorted((FINDINGS / target).glob("*")))


def write(folder: Path, target: str) -> int:
    """Write the seeds of a target where they are not there yet; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    items = {sha256(data).hexdigest()[:16]: data for data in (*seeds(target), *findings(target))}
    for name, data in items.items():
        (folder / name).write_bytes(data)
    return len(items)


def _hostile(prefix: str | tuple[str, ...] = "") -> Iterator[bytes]:
    """Hostile items that are quick to make."""
    known = makers()
    names = [
        name for name in known if name.startswith(prefix) and not any(word in name for word in _SLOW_TO_MAKE)
    ]
    return (known[name]()[0] for name in names)


def _documents() -> Iterator[bytes]:
    yield from (path.read_bytes() for path in sorted((_FIXTURES / "reports").glob("*.xml")))
    yield from _hostile("xml-")


def _mails() -> Iterator[bytes]:
    packed = part(gz(report()), name="r.xml.gz")
    for result in RESULTS:
        yield mail(packed, f"Authentication-Results: {result}", sender="noreply-dmarc-support@google.com")
        yield mail(packed, "Received: by mx.example.com", f"Authentication-Results: {result}", SIGNATURE)
    yield mail(part(report(), "text/xml", encoding=""), SIGNATURE)
    yield from (path.read_bytes() for path in sorted((_FIXTURES / "mails").glob("*.eml")))


def _items() -> Iterator[bytes]:
    yield from (report(), gz(report()), gz(report()) + gz(report("2")))
    yield zipped({"a.xml": report(), "b.xml": report("2")})
    yield mail(multipart([part(gz(report())), part(zipped({"a.xml": report()}), "application/zip")]))
    yield mail(
        part(mail(part(report(), "text/xml", encoding="quoted-printable")), "message/rfc822", encoding="")
    )
    yield b'{"organization-name": "x", "policies": []}'
    yield from _mails()
    yield from (data for data in _hostile() if not data.startswith(b"<"))


if __name__ == "__main__":
    for name in ("unpack", "parse", "mail"):
        print(f"{name}: {write(Path(sys.argv[1]) / name, name)} seeds")
