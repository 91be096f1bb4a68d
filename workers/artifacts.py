"""Files that a run makes: each is put into the store, and then written down under the run's fence.

The file goes first. A crash before its row leaves a file that no row names and none ever will, since its key says the
fence that it was made under: the ticker's sweep deletes it. A row never names a file that is not there.
"""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from config.faults import faultpoint
from db.ids import id_at
from db.pool import Pool
from db.query import Query
from db.store import Owner, Store, key_of, sha256_of
from workers import artifact_links
from workers.rows import Leased

Content = bytes | Path | Callable[[], bytes | Path]

_NAME = re.compile(r"[^/\\]{1,200}")
_FORMAT = re.compile(r"[a-z0-9.+-]{1,40}")
_TYPE = re.compile(r"[a-z0-9.+-]{1,100}/[a-z0-9.+-]{1,100}(; charset=utf-8)?")


class NoStore(RuntimeError):
    """A run keeps a file, and ARTIFACT_URL names no store for it."""

    def __init__(self) -> None:
        super().__init__("ARTIFACT_URL is not set for the worker, so no file can be kept")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a run has made, as it lies in the store. `link` opens it without a login for 30 days.

    `link` is empty where TOCSIN_URL or TOCSIN_SECRET_KEYS is not set.
    """

    id: UUID
    name: str
    format: str
    content_type: str
    size_bytes: int
    sha256: str
    record_count: int | None = None
    link: str = ""


class ArtifactRow(NamedTuple):
    """A file as its row says it is."""

    id: UUID
    name: str
    format: str
    content_type: str
    size_bytes: int
    sha256: str
    key: str
    record_count: int | None


class Installation(NamedTuple):
    """This installation."""

    id: UUID


INSERT = Query("insert_artifact", ArtifactRow)
FIND = Query("find_kept_artifact", ArtifactRow)
INSTALLATION = Query("get_installation", Installation)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a worker keeps files, and what it makes links with."""

    store: Store | None = None
    url: str | None = None
    link_keys: Sequence[bytes] = field(default=(), repr=False)


class New(NamedTuple):
    """What a kind says of a file that it keeps. Raises ValueError by `checked`."""

    name: str
    content_type: str
    format: str
    record_count: int | None

    def checked(self) -> "New":
        """Itself. Raises ValueError when a part of it can't stand in a header."""
        if not _NAME.fullmatch(self.name) or not self.name.isprintable():
            raise ValueError(f"name takes 1 to 200 printable characters without / and \\, got {self.name!r}")
        if not _TYPE.fullmatch(self.content_type) or not _FORMAT.fullmatch(self.format):
            raise ValueError(f"{self.name}: {self.content_type!r} or {self.format!r} is no type of a file")
        return self


def keep(pool: Pool, leased: Leased, shelf: Shelf, new: New, content: Content) -> Artifact | None:
    """The file of that name that the run has kept; without one, keeps this content. None: the run was taken away.

    Raises NoStore, StoreUnavailable, and ValueError for a name or a type that is none.
    """
    if shelf.store is None:
        raise NoStore
    new.checked()
    run = {"run_id": leased.id, "slot_at": leased.slot_at}
    with pool.connection() as conn:
        found = FIND.one(conn, name=new.name, **run)
        installation = INSTALLATION.one(conn)
    if found is None and installation is not None:
        with tempfile.TemporaryDirectory(prefix="tocsin-file-") as folder:
            path = _laid_down(content, Path(folder))
            digest, size = sha256_of(path), path.stat().st_size
            key = key_of(Owner(installation.id, leased.tenant_id, leased.id, leased.fence), digest)
            shelf.store.put(key, path)
        faultpoint("after_file")
        row = {"id": id_at(leased.slot_at), "fence": leased.fence, "digest": digest, "size_bytes": size, "key": key}
        with pool.connection() as conn:
            found = INSERT.one(conn, **run, **row, **new._asdict())
        faultpoint("after_artifact")
    return found and _shown(found, leased, shelf)


def read(pool: Pool, leased: Leased, shelf: Shelf, name: str) -> bytes:
    """The bytes of the file of that name that the run has kept. Raises NoStore, StoreUnavailable, LookupError."""
    if shelf.store is None:
        raise NoStore
    with pool.connection() as conn:
        found = FIND.one(conn, run_id=leased.id, slot_at=leased.slot_at, name=name)
    if found is None:
        raise LookupError(f"the run has kept no file {name!r}")
    return b"".join(shelf.store.read(found.key))


def _laid_down(content: Content, folder: Path) -> Path:
    """The content as a file."""
    made = content() if callable(content) else content
    if isinstance(made, Path):
        return made
    path = folder / "content"
    path.write_bytes(made)
    return path


def _shown(row: ArtifactRow, leased: Leased, shelf: Shelf) -> Artifact:
    link = ""
    if shelf.url and shelf.link_keys:
        expires_at = leased.started_at + artifact_links.LASTS
        link = artifact_links.link(shelf.url, shelf.link_keys[0], leased.tenant_id, row.id, expires_at)
    return Artifact(row.id, row.name, row.format, row.content_type, row.size_bytes, row.sha256, row.record_count, link)
