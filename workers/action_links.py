"""Links that act for one recipient without a login: what is signed, and how it gets into a mail that is stored once.

The stored mail holds a placeholder of the same length and letters as a token, so filling one in changes no line of it:
what leaves is what `compose` would have made for this recipient, at every attempt the same bytes. A placeholder follows
from the key and the Message-ID; nobody who writes into a mail can guess it.
"""

import base64
import hmac
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from workers.outcome import Action

PURPOSE = "mail actions"
LASTS = timedelta(days=60)
_ACTIONS: tuple[Action, ...] = ("acknowledge", "snooze", "unsubscribe", "not_useful")
_HEAD = struct.Struct(">B16sBI")
_VERSION = 1
_LENGTH = 72
_BYTES = 54


class Claim(NamedTuple):
    """What a token says; whether it says so truly, `is_signed` tells."""

    delivery_id: UUID
    action: Action
    expires_at: datetime
    head: bytes
    mac: bytes


def placeholder(key: bytes, message_id: str, action: Action) -> str:
    """Return what stands in the stored mail where a recipient's token will."""
    return _text(hmac.digest(key, f"place {action} {message_id}".encode(), "sha512")[:_BYTES])


def token(key: bytes, tenant_id: UUID, delivery_id: UUID, recipient: str, action: Action, slot_at: datetime) -> str:
    """Return the token of one action of one delivery: 72 letters, digits, dashes and underscores."""
    expires = int((slot_at + LASTS).timestamp())
    head = _HEAD.pack(_VERSION, delivery_id.bytes, _ACTIONS.index(action), expires)
    return _text(head + _mac(key, head, tenant_id, recipient))


def read(text: str) -> Claim | None:
    """Return what the token claims; None when it is none. Believe it once `is_signed` does."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{_LENGTH}}}", text):
        return None
    content = base64.urlsafe_b64decode(text)
    head, mac = content[: _HEAD.size], content[_HEAD.size :]
    version, delivery_id, number, expires = _HEAD.unpack(head)
    if version != _VERSION or number >= len(_ACTIONS):
        return None
    return Claim(UUID(bytes=delivery_id), _ACTIONS[number], datetime.fromtimestamp(expires, UTC), head, mac)


def is_signed(claim: Claim, keys: Sequence[bytes], tenant_id: UUID, recipient: str) -> bool:
    """Whether one of the keys signed the claim for this tenant's delivery to this recipient; in constant time."""
    found = [hmac.compare_digest(_mac(key, claim.head, tenant_id, recipient), claim.mac) for key in keys]
    return any(found)


def places(key: bytes, base_url: str, message_id: str, actions: Sequence[Action]) -> Mapping[Action, str]:
    """Return the links of a message that is stored, with placeholders in place of the tokens."""
    return {action: f"{base_url.rstrip('/')}/a/{placeholder(key, message_id, action)}" for action in actions}


def filled(content: bytes, keys: Sequence[bytes], message_id: str, token_of: Callable[[bytes, Action], str]) -> bytes:
    """Return the stored mail with this recipient's tokens in it, each signed by the key that made its placeholder."""
    for key in keys:
        for action in _ACTIONS:
            place = placeholder(key, message_id, action)
            # A soft line break of quoted-printable may stand between any two letters.
            pattern = re.compile(b"(?:=\r\n)?".join(re.escape(letter.encode()) for letter in place))
            if pattern.search(content):
                content = pattern.sub(_in_its_lines(token_of(key, action).encode()), content)
    return content


def _in_its_lines(word: bytes) -> Callable[[re.Match[bytes]], bytes]:
    """What replaces a placeholder by a word of its length, with the line breaks that it has where it stands."""

    def replaced(found: re.Match[bytes]) -> bytes:
        letters = iter(word)
        pieces = found[0].split(b"=\r\n")
        return b"=\r\n".join(bytes(next(letters) for _ in piece) for piece in pieces)

    return replaced


def _mac(key: bytes, head: bytes, tenant_id: UUID, recipient: str) -> bytes:
    return hmac.digest(key, b"token " + head + tenant_id.bytes + recipient.lower().encode(), "sha256")


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()
