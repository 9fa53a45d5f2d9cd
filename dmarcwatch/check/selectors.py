"""The key of a DKIM selector as it is published today (RFC 6376 section 3.6.1)."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dmarcwatch.check.remarks import Remark, fix, note, unknown, warn, well
from dmarcwatch.check.resolver import Dns, Known
from dmarcwatch.ses import is_easy_dkim_selector, is_ses_domain

MIN_BITS = 1024
"""Receivers take no shorter RSA key (RFC 8301 section 3.2)."""
GOOD_BITS = 2048
_ED25519_BYTES = 32
PROBE = "dmarcwatch-asks-for-no-key"
"""A selector nobody has: if it has a key, a wildcard answers for every selector."""
_TAG = re.compile(r"(?:\A|;)\s*([a-z]+)\s*=\s*([^;]*)")


@dataclass(frozen=True, slots=True)
class Key:
    """What is published for one selector."""

    domain: str
    selector: str
    target: str | None
    """Where its CNAME points; None where it has none, or nobody knows."""
    present: bool | None
    """Whether a usable key stands there; None where nobody knows."""
    bits: int | None
    """Of an RSA key; None for other kinds and where there is none."""
    remarks: tuple[Remark, ...]

    @property
    def at_ses(self) -> bool:
        """Whether its CNAME points to Amazon SES, in whichever zone."""
        return self.target is not None and is_ses_domain(self.target)


def key_of(dns: Dns, domain: str, selector: str) -> Key:
    """The key of `selector` for signatures with d=`domain`."""
    name = f"{selector}._domainkey.{domain}"
    alias, text = dns.ask(name, "CNAME"), dns.ask(name, "TXT")
    target = alias.values[0] if alias.found else None
    if text.unknown:
        why = f"{text.trouble}, though its CNAME to {target} is there" if target else text.trouble
        return Key(domain, selector, target, None, None, (unknown(name, why),))
    if not text.found:
        return Key(domain, selector, target, False, None, tuple(_missing(dns, domain, selector, target)))
    if len(text.values) > 1:
        several = fix(name, "Several TXT records stand there; receivers may take any: keep the key.")
        return Key(domain, selector, target, None, None, (several,))
    strange = tuple(_strange_target(name, selector, target))
    return _read(Key(domain, selector, target, True, None, strange), name, text.values[0])


def wildcard(dns: Dns, domain: str) -> Remark | None:
    """A remark where a wildcard answers for every selector of `domain`."""
    name = f"{PROBE}._domainkey.{domain}"
    if not any(dns.ask(name, kind).found for kind in ("CNAME", "TXT")):
        return None
    return warn(
        f"*._domainkey.{domain}",
        "A wildcard answers for every selector, so a missing key does not show: remove it.",
    )


def _missing(dns: Dns, domain: str, selector: str, target: str | None) -> Iterator[Remark]:
    name = f"{selector}._domainkey.{domain}"
    doubled = f"{name}.{domain}"
    if target is not None:
        at = "Amazon SES" if is_ses_domain(target) else target
        yield fix(
            name,
            f"Its CNAME points to {target}, where no key is: {at} has withdrawn it, or it is misspelt.",
        )
    elif dns.ask(doubled, "CNAME").found or dns.ask(doubled, "TXT").found:
        yield fix(name, f"The record stands at {doubled}: enter the name without the domain.", f"DNS: {name}")
    else:
        gone = dns.ask(name, "TXT").known is Known.NO_NAME
        yield fix(
            name,
            "No key is published, so no signature with it verifies."
            + ("" if gone else " (The name exists, with other records.)"),
        )


def _strange_target(name: str, selector: str, target: str | None) -> Iterator[Remark]:
    """An Easy DKIM token that points to another token: two names were mixed up when they were entered."""
    if target is None or not is_ses_domain(target) or not is_easy_dkim_selector(selector):
        return
    token = target.partition(".")[0]
    if token != selector:
        yield fix(name, f"Its CNAME points to the key of another token, {token}: targets are mixed up.")


def _read(key: Key, name: str, text: str) -> Key:
    """The same with what its TXT record says."""
    tags = {tag: value.strip() for tag, value in _TAG.findall(text)}
    kind = tags.get("k", "rsa")
    size = _bits(tags.get("p", ""), kind)
    flaw = _flaw(tags, kind)
    if flaw or size is None:
        said = fix(name, flaw or "The key cannot be read: its p= was cut or mistyped.")
        return replace(key, present=False, remarks=(*key.remarks, said))
    remarks = (*key.remarks, *_sized(name, size, tags, key.target))
    usable = kind == "ed25519" or size >= MIN_BITS
    return replace(key, present=usable, bits=size if kind == "rsa" else None, remarks=remarks)


def _flaw(tags: dict[str, str], kind: str) -> str:
    """Why no receiver can use the record; empty where it can."""
    if "p" not in tags:
        return "The TXT record there holds no p=, so it is no key."
    if not tags["p"]:
        return "The key is revoked: its p= is empty."
    if tags.get("v", "DKIM1") != "DKIM1" or kind not in ("rsa", "ed25519"):
        return f"Receivers know no key with v={tags.get('v')}, k={kind}."
    return ""


def _sized(name: str, bits: int, tags: dict[str, str], target: str | None) -> Iterator[Remark]:
    at = f", by way of {target}" if target else ""
    if tags.get("k") == "ed25519":
        yield note(name, f"An Ed25519 key{at}; not every receiver verifies it, so sign with RSA as well.")
    elif bits < MIN_BITS:
        yield fix(name, f"The key has {bits} bits; receivers take none below {MIN_BITS}.")
    elif bits < GOOD_BITS:
        yield note(name, f"The key has {bits} bits{at}; {GOOD_BITS} are advised.")
    else:
        yield well(name, f"An RSA key of {bits} bits{at}.")
    if "y" in tags.get("t", "").split(":"):
        yield warn(name, "t=y says that DKIM is only tested; some receivers take its mail as unsigned.")
    if "h" in tags and "sha256" not in tags["h"]:
        yield fix(name, f"h={tags['h']} allows no SHA-256, which every signature uses.")


def _bits(data: str, kind: str) -> int | None:
    """Size of the key in `p=`; None where it cannot be read."""
    import dkim.crypto  # with its cryptography 0.1 s, and only for domains with a key

    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
        if kind == "ed25519":
            return 256 if len(raw) == _ED25519_BYTES else None
        modulus: int = dkim.crypto.parse_public_key(raw)["modulus"]
    except Exception:  # dkimpy leaks whatever error broken bytes trip over, assertions among them
        return None
    return modulus.bit_length()
