"""Links to a file that need no login: signed, for one file of one tenant, and for a time."""

import base64
import hmac
import re
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

PURPOSE = "file links"
LASTS = timedelta(days=30)
_HEAD = struct.Struct(">B16sQ")
_VERSION = 1
_LENGTH = 76


class Claim(NamedTuple):
    """What a token says; whether it says so truly, `is_signed` tells."""

    artifact_id: UUID
    expires_at: datetime
    head: bytes
    mac: bytes


def link(base_url: str, key: bytes, tenant_id: UUID, artifact_id: UUID, expires_at: datetime) -> str:
    """Return the address of the file until then."""
    head = _HEAD.pack(_VERSION, artifact_id.bytes, int(expires_at.timestamp()))
    token = base64.urlsafe_b64encode(head + _mac(key, head, tenant_id)).decode()
    return f"{base_url.rstrip('/')}/f/{token}"


def read(token: str) -> Claim | None:
    """Return what the token claims; None when it is none. Believe it once `is_signed` does."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{_LENGTH}}}", token):
        return None
    content = base64.urlsafe_b64decode(token)
    head, mac = content[: _HEAD.size], content[_HEAD.size :]
    version, artifact_id, expires = _HEAD.unpack(head)
    if version != _VERSION or expires > 253_402_300_799:
        return None
    return Claim(UUID(bytes=artifact_id), datetime.fromtimestamp(expires, UTC), head, mac)


def is_signed(claim: Claim, keys: Sequence[bytes], tenant_id: UUID) -> bool:
    """Whether one of the keys signed the claim for a file of this tenant; in constant time."""
    found = [hmac.compare_digest(_mac(key, claim.head, tenant_id), claim.mac) for key in keys]
    return any(found)


def _mac(key: bytes, head: bytes, tenant_id: UUID) -> bytes:
    return hmac.digest(key, b"file " + head + tenant_id.bytes, "sha256")
