"""Files that runs made, for who may read their tenant's, and for who has a link to one."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from fastapi import HTTPException
from fastapi.responses import StreamingResponse

from api.state import Web
from config.seal import Seal
from db.ids import slot_of
from db.live import connected
from db.pool import Connection
from db.query import Query
from db.store import Missing, StoreUnavailable
from scheduler.refusals import NotFound
from workers import artifact_links
from workers.artifacts import ArtifactRow

# What a browser opens here has no script, no cookie and no origin of ours, whatever is in it.
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
}


class Linked(NamedTuple):
    """A file that a link leads to, its tenant, and Postgres's time."""

    id: UUID
    name: str
    format: str
    content_type: str
    size_bytes: int
    sha256: str
    key: str
    record_count: int | None
    tenant_id: UUID
    asked_at: datetime


class Links(NamedTuple):
    """What links to a tenant's files are made with."""

    url: str
    key: bytes
    tenant_id: UUID

    def link(self, artifact_id: UUID, asked_at: datetime) -> str:
        """A link to the file, for a day: whoever asks again is given another."""
        return artifact_links.link(self.url, self.key, self.tenant_id, artifact_id, asked_at + ASKED_LASTS)


class Expired(Exception):
    """The link was true once."""


ASKED_LASTS = timedelta(days=1)
GET = Query("get_artifact", ArtifactRow)
FIND_LINKED = Query("find_linked_artifact", Linked)


def get(conn: Connection, tenant_id: UUID, artifact_id: UUID) -> ArtifactRow:
    """The tenant's file. Raises NotFound."""
    found = GET.one(conn, tenant_id=tenant_id, id=artifact_id, slot_at=_slot_of(artifact_id))
    if found is None:
        raise NotFound(f"there is no file {artifact_id}")
    return found


def links_of(url: str | None, seal: Seal, tenant_id: UUID) -> Links | None:
    """What links to a tenant's files are made with; None without an address of ours, or a key."""
    keys = seal.derived(artifact_links.PURPOSE)
    return Links(url, keys[0], tenant_id) if url and keys else None


def linked(web: Web, token: str) -> Linked:
    """The file that the token opens. Raises NotFound and Expired."""
    claim = artifact_links.read(token)
    keys = web.seal.derived(artifact_links.PURPOSE)
    if claim is None or not keys:
        raise NotFound("this is no link of ours")
    with connected(web.pool, 5.0) as conn:
        found = FIND_LINKED.one(conn, id=claim.artifact_id, slot_at=_slot_of(claim.artifact_id))
    if found is None or not artifact_links.is_signed(claim, keys, found.tenant_id):
        raise NotFound("this is no link of ours")
    if found.asked_at > claim.expires_at:
        raise Expired
    return found


def content(web: Web, file: ArtifactRow | Linked) -> Iterator[bytes]:
    """The file's bytes, some at a time. A refusal says whether it is gone (410) or out of reach (503)."""
    if web.store is None:
        raise HTTPException(503, "ARTIFACT_URL is not set for the web, so no file can be read")
    try:
        return web.store.read(file.key)
    except Missing:
        raise HTTPException(410, "the file is no more in the store") from None
    except StoreUnavailable:
        raise HTTPException(503, "the store of files does not answer", {"Retry-After": "5"}) from None


def download(web: Web, file: ArtifactRow | Linked) -> StreamingResponse:
    """The file's bytes, to be saved and not shown."""
    headers = {"Content-Length": str(file.size_bytes), "Content-Disposition": _disposition(file.name)}
    return StreamingResponse(content(web, file), 200, _HEADERS | headers, file.content_type)


def _disposition(name: str) -> str:
    """The name in plain letters for old programs, and as it is for the others. Source: RFC 6266."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"%' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _slot_of(artifact_id: UUID) -> datetime:
    try:
        return slot_of(artifact_id)
    except (ValueError, OverflowError):
        raise NotFound(f"{artifact_id} is not the id of a file") from None
