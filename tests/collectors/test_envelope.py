"""Mails that SES encrypted before storing them. The bucket is SeaweedFS, the keys are moto's."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from contextlib import closing

import pytest
from botocore.stub import Stubber
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.envelope import EnvelopeError, decrypt, is_encrypted
from tests.collectors.contract import MAIL
from tests.collectors.memory import read_all
from tests.collectors.stores import client_of

KEY = bytes(range(32))
IV = bytes(range(12))
CONTEXT = {"aws:ses:message-id": "0a1b", "aws:ses:rule-name": "rua", "aws:ses:source-account": "123456789012"}


def metadata(
    wrapped: bytes, *, iv: bytes = IV, algorithm: str = "AES/GCM/NoPadding", **context: str
) -> dict[str, str]:
    return {
        "x-amz-key-v2": b64encode(wrapped).decode(),
        "x-amz-iv": b64encode(iv).decode(),
        "x-amz-matdesc": json.dumps(CONTEXT | context),
        "x-amz-wrap-alg": "kms",
        "x-amz-cek-alg": algorithm,
        "x-amz-tag-len": "128",
    }


def known_key(wrapped: bytes, context: dict[str, str]) -> bytes:
    assert (wrapped, context) == (b"wrapped", CONTEXT)
    return KEY


def gcm(data: bytes, key: bytes = KEY) -> bytes:
    return AESGCM(key).encrypt(IV, data, None)


def test_a_mail_encrypted_by_ses_is_decrypted():
    assert decrypt(metadata(b"wrapped"), gcm(MAIL[0]), known_key) == MAIL[0]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17])
def test_a_mail_encrypted_in_the_older_way_is_decrypted(length):
    padder, iv = PKCS7(128).padder(), bytes(16)
    encryptor = Cipher(AES(KEY), CBC(iv)).encryptor()
    data = encryptor.update(padder.update(b"x" * length) + padder.finalize()) + encryptor.finalize()
    older = metadata(b"wrapped", iv=iv, algorithm="AES/CBC/PKCS5Padding")
    assert decrypt(older, data, known_key) == b"x" * length


@pytest.mark.parametrize("data", [b"", b"short", gcm(b"x")[:-1], gcm(b"x", bytes(32))])
def test_what_was_tampered_with_is_not_taken_for_a_mail(data):
    with pytest.raises(EnvelopeError, match="does not fit its key"):
        decrypt(metadata(b"wrapped"), data, known_key)


def test_other_envelopes_are_said_not_guessed():
    with pytest.raises(EnvelopeError, match="not SES's"):
        decrypt({"x-amz-key": "version one"}, b"", known_key)
    with pytest.raises(EnvelopeError, match="ROT13"):
        decrypt(metadata(b"wrapped", algorithm="ROT13"), b"", known_key)


def test_without_the_library_the_extra_is_named():
    program = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from dmarcwatch.collect.envelope import EnvelopeError, decrypt\n"
        "told = {'x-amz-key-v2': '', 'x-amz-iv': '', 'x-amz-matdesc': '{}',\n"
        "        'x-amz-cek-alg': 'AES/GCM/NoPadding'}\n"
        "try: decrypt(told, b'', lambda wrapped, context: bytes(32))\n"
        "except EnvelopeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "it is encrypted; install dmarcwatch with its extra: dmarcwatch[s3]\n"


def test_encryption_by_the_bucket_needs_no_decryption():
    assert not is_encrypted({"x-amz-unencrypted-content-length": "3"})


@pytest.fixture
def kms(moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", moto)
    with closing(client_of(moto, service="kms")) as client:
        yield client


def store_encrypted(bucket, kms, **context: str) -> None:
    """What SES does where the receipt rule names a key."""
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    told = CONTEXT | {"kms_cmk_id": arn}
    key = kms.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext=told)
    envelope = metadata(key["CiphertextBlob"], kms_cmk_id=arn, **context)
    bucket.put(f"in/{os.urandom(8).hex()}", gcm(MAIL[0], key["Plaintext"]), Metadata=envelope)


def test_an_encrypted_object_becomes_the_mail_it_holds(bucket, kms):
    store_encrypted(bucket, kms)
    assert [item.data for item in read_all(bucket.collector())] == [MAIL[0]]


def test_an_object_whose_key_is_refused_waits_and_is_said(bucket, kms):
    store_encrypted(bucket, kms, **{"aws:ses:message-id": "another"})
    bucket.deliver(MAIL[1])
    assert [item.data for item in read_all(bucket.collector())] == [MAIL[1]]
    ((_, reason, message, left),) = bucket.notices
    assert (reason, left) == ("encrypted", True)
    assert "KMS does not decrypt its key (InvalidCiphertextException)" in message


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ("[]", "not SES's"),
        ("[" * 1500, "not SES's"),
        ('{"kms_cmk_id": 5}', "not SES's"),
        ('{"kms_cmk_id": "arn:aws:kms:no region!:1:key/2"}', "the region's name is not valid"),
    ],
)
def test_an_envelope_that_somebody_made_up_waits_and_is_said(bucket, kms, described, said):
    bucket.put("in/forged", b"x", Metadata=metadata(b"wrapped") | {"x-amz-matdesc": described})
    bucket.deliver(MAIL[1])
    assert [item.data for item in read_all(bucket.collector())] == [MAIL[1]]
    ((_, reason, message, left),) = bucket.notices
    assert (reason, left) == ("encrypted", True)
    assert said in message and "kms:Decrypt" not in message


def test_a_right_that_is_missing_is_named(bucket, kms):
    aws = Aws(bucket.source)
    with Stubber(aws._client("kms", None, None)) as stubber, pytest.raises(EnvelopeError) as caught:
        stubber.add_client_error("decrypt", "AccessDeniedException")
        aws.decrypt_key(b"wrapped", {})
    assert "kms:Decrypt is needed" in str(caught.value)
