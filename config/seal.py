"""Seals secrets with AES-256-GCM under the newest key; what a key once sealed, any listed key opens."""

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "sealed:"
_NONCE_BYTES = 12


class SealError(ValueError):
    """A secret cannot be sealed or opened; the message says which key is missing, never the secret."""


class Seal:
    """The keys of TOCSIN_SECRET_KEYS, newest first. `context` binds a secret to its place: a moved one won't open."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = {_key_id(key): key for key in map(_decode, keys)}

    def seal(self, secret: str, context: str) -> str:
        """The sealed form of `secret`, as text. Raises SealError when there is no key."""
        if not self._keys:
            raise SealError("TOCSIN_SECRET_KEYS is not set; it takes a key of 32 bytes in base64 to keep secrets with")
        key_id, key = next(iter(self._keys.items()))
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), context.encode())
        return f"{PREFIX}{key_id}:{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, context: str) -> str:
        """The secret. Raises SealError when its key is not listed or when it was sealed for another place."""
        key_id, _, text = sealed.removeprefix(PREFIX).partition(":")
        key = self._keys.get(key_id)
        if key is None:
            raise SealError(f"TOCSIN_SECRET_KEYS lacks the key {key_id}, which sealed this secret")
        content = base64.b64decode(text)
        try:
            return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], context.encode()).decode()
        except InvalidTag:
            raise SealError("the secret was altered, or sealed for another place") from None


def is_sealed(text: str) -> bool:
    """True when the text is a sealed secret."""
    return text.startswith(PREFIX)


def _decode(key: str) -> bytes:
    try:
        content = base64.b64decode(key, validate=True)
    except binascii.Error:
        content = b""
    if len(content) != 32:
        raise SealError("TOCSIN_SECRET_KEYS takes keys of 32 bytes in base64, newest first")
    return content


def _key_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]
