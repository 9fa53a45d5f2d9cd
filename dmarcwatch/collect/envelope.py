"""Objects that SES encrypted before storing them (KmsKeyArn of a receipt rule's S3 action).

The format is version 2 of Amazon's S3 encryption client: a data key encrypts the object, KMS wraps
the data key, and both lie in the object's metadata. Encryption by the bucket (SSE) is not seen here.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping

KeyDecryptor = Callable[[bytes, dict[str, str]], bytes]
"""Wrapped data key and encryption context to the data key; raises EnvelopeError."""

_GCM = "AES/GCM/NoPadding"
_CBC = "AES/CBC/PKCS5Padding"


class EnvelopeError(Exception):
    """The object cannot be decrypted; its text says why and what would help."""


def is_encrypted(metadata: Mapping[str, str]) -> bool:
    """Whether an object was encrypted by its writer (version 1 of the format or 2)."""
    return "x-amz-key-v2" in metadata or "x-amz-key" in metadata


def decrypt(metadata: Mapping[str, str], data: bytes, decrypt_key: KeyDecryptor) -> bytes:
    """The content of an object that `is_encrypted`. Raises EnvelopeError."""
    try:
        wrapped, iv = b64decode(metadata["x-amz-key-v2"]), b64decode(metadata["x-amz-iv"])
        context = _context(metadata["x-amz-matdesc"])
        algorithm = metadata["x-amz-cek-alg"]
    except (KeyError, ValueError, RecursionError) as error:
        raise EnvelopeError("it is encrypted in a way that is not SES's") from error
    if algorithm not in {_GCM, _CBC}:
        raise EnvelopeError(f"it is encrypted with {algorithm}, which SES does not use")
    key = decrypt_key(wrapped, context)
    try:
        return _gcm(key, iv, data) if algorithm == _GCM else _cbc(key, iv, data)
    except ImportError as error:
        raise EnvelopeError("it is encrypted; install dmarcwatch with its extra: dmarcwatch[s3]") from error
    except ValueError as error:
        raise EnvelopeError("its content does not fit its key") from error


def _context(told: str) -> dict[str, str]:
    """The encryption context, which anybody may have written who may write objects. Raises ValueError."""
    context = json.loads(told)
    if not isinstance(context, dict) or not all(isinstance(value, str) for value in context.values()):
        raise ValueError("no names with their values")
    return context


def _gcm(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The last 16 bytes are the tag, as AESGCM wants them."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(iv, data, None)
    except InvalidTag as error:
        raise ValueError("tag") from error


def _cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Older objects; PKCS5 and PKCS7 padding are the same for AES."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.padding import PKCS7

    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()
