"""Seals secrets in envelopes: AES-256-GCM under a data key of the secret's own, which the newest key wraps.

A sealed text is `sealed:KEY:WRAP:CONTENT`: the id of the key that wraps, the wrapped data key and the sealed secret, each
with its nonce before it, in base64. So a rotation wraps the data key anew and leaves the secret as it was sealed. Both
are bound to the secret's place: what was moved elsewhere won't open.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "sealed:"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_BYTES = 32
_FORM = re.compile(r"sealed:([0-9a-f]{16}):([A-Za-z0-9+/]+=*):([A-Za-z0-9+/]+=*)")


class SealError(ValueError):
    """A secret cannot be sealed or opened; the message says which key is missing, never the secret."""


class Place(NamedTuple):
    """Where a secret is kept. Copies of a row in another table keep the place of the row that they copy."""

    tenant: UUID
    table: str
    row: UUID
    column: str


class _Envelope(NamedTuple):
    key_id: str
    wrap: bytes
    content: bytes


class Seal:
    """The keys of TOCSIN_SECRET_KEYS, newest first. Raises SealError when one is no key."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = {_key_id(key): key for key in map(_decode, keys)}

    def __repr__(self) -> str:
        return f"Seal({', '.join(self._keys)})"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names of the keys, newest first; they tell nothing of the keys themselves."""
        return tuple(self._keys)

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """A key of 32 bytes for another purpose from each of the keys, newest first; they tell nothing of these."""
        return tuple(hmac.digest(key, f"tocsin {purpose}".encode(), "sha256") for key in self._keys.values())

    def seal(self, secret: str, place: Place) -> str:
        """The sealed form of `secret`, as text. Raises SealError when there is no key."""
        key_id, key = self._newest()
        data_key = AESGCM.generate_key(256)
        wrap = _encrypt(key, data_key, _bound("data key", place))
        content = _encrypt(data_key, secret.encode(), _bound("secret", place))
        return _text(_Envelope(key_id, wrap, content))

    def open(self, sealed: str, place: Place) -> str:
        """The secret. Raises SealError when its key is not listed, when it was altered or sealed for another place."""
        envelope = _read(sealed)
        return _decrypt(self._data_key(envelope, place), envelope.content, _bound("secret", place)).decode()

    def rewrap(self, sealed: str, place: Place) -> str:
        """The same secret with its data key wrapped by the newest key; itself when that is so already. Raises SealError."""
        envelope = _read(sealed)
        key_id, key = self._newest()
        if envelope.key_id == key_id:
            return sealed
        wrap = _encrypt(key, self._data_key(envelope, place), _bound("data key", place))
        return _text(envelope._replace(key_id=key_id, wrap=wrap))

    def _newest(self) -> tuple[str, bytes]:
        if not self._keys:
            raise SealError("TOCSIN_SECRET_KEYS is not set; it takes a key of 32 bytes in base64 to keep secrets with")
        return next(iter(self._keys.items()))

    def _data_key(self, envelope: _Envelope, place: Place) -> bytes:
        key = self._keys.get(envelope.key_id)
        if key is None:
            raise SealError(f"TOCSIN_SECRET_KEYS lacks the key {envelope.key_id}, which sealed this secret")
        return _decrypt(key, envelope.wrap, _bound("data key", place))


def is_sealed(text: str) -> bool:
    """True when the text is a sealed secret, or pretends to be one."""
    return text.startswith(PREFIX)


def key_of(sealed: str) -> str:
    """The id of the key that wraps a sealed text. Raises SealError when it is none."""
    return _read(sealed).key_id


def _read(sealed: str) -> _Envelope:
    found = _FORM.fullmatch(sealed)
    if found is None:
        raise SealError("this is no sealed secret")
    wrap, content = (_bytes(text) for text in found.groups()[1:])
    if len(wrap) != _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES or len(content) < _NONCE_BYTES + _TAG_BYTES:
        raise SealError("this is no sealed secret")
    return _Envelope(found[1], wrap, content)


def _text(envelope: _Envelope) -> str:
    wrap, content = (base64.b64encode(part).decode() for part in (envelope.wrap, envelope.content))
    return f"{PREFIX}{envelope.key_id}:{wrap}:{content}"


def _bytes(text: str) -> bytes:
    """The bytes of base64 in its one spelling. Raises SealError."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        content = b""
    if base64.b64encode(content).decode() != text:
        raise SealError("this is no sealed secret")
    return content


def _bound(what: str, place: Place) -> bytes:
    return ":".join((what, *map(str, place))).encode()


def _encrypt(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def _decrypt(key: bytes, content: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound)
    except InvalidTag:
        raise SealError("the secret was altered, or sealed for another place") from None


def _decode(key: str) -> bytes:
    try:
        content = base64.b64decode(key, validate=True)
    except binascii.Error:
        content = b""
    if len(content) != _KEY_BYTES:
        raise SealError("TOCSIN_SECRET_KEYS takes keys of 32 bytes in base64, newest first")
    return content


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"tocsin key id:" + key).hexdigest()[:16]
