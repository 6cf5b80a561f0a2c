"""Signatures as Standard Webhooks says: of deliveries that come in, and of those that go out. Pure.

https://www.standardwebhooks.com: HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, base64 after `v1,`. A header
may have several signatures, while the sender changes its secret.
"""

import base64
import binascii
import hashlib
import hmac

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
_VERSION = "v1"
_MOST_SIGNATURES = 20


def key_of(secret: str) -> bytes | None:
    """Return the key that a secret writes (`whsec_` and base64 of 24 to 64 bytes); None if it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return key if len(key) in _KEY_BYTES else None


def secret_of(key: bytes) -> str:
    """Return the secret that writes a key, as a receiver enters it."""
    return _PREFIX + base64.b64encode(key).decode("ascii")


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of the header `webhook-signature`.

    Args:
        key: of the secret that both sides know.
        message_id: the header `webhook-id`.
        timestamp: the header `webhook-timestamp`: seconds since 1970.
        body: as it is sent.
    """
    made = base64.b64encode(_digest(key, message_id, timestamp, body)).decode("ascii")
    return f"{_VERSION},{made}"


def is_signed(key: bytes, message_id: str, timestamp: str, body: bytes, given: str) -> bool:
    """Tell whether one of the signatures of a header is right; the arguments are those of `signature`."""
    made = _digest(key, message_id, timestamp, body)
    return any(_is_same(made, one) for one in given.split(" ")[:_MOST_SIGNATURES])


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    said = f"{message_id}.{timestamp}.".encode("utf-8", "replace")
    return hmac.digest(key, said + body, hashlib.sha256)


def _is_same(made: bytes, given: str) -> bool:
    version, _, written = given.partition(",")
    if version != _VERSION:
        return False
    try:
        return hmac.compare_digest(made, base64.b64decode(written.encode("ascii"), validate=True))
    except (binascii.Error, UnicodeEncodeError):
        return False
