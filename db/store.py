"""The store of files that ARTIFACT_URL names: a folder, or a bucket of S3, Google or Azure.

A file is whole or not there: it is written beside its place and put there in one step. Its key says whose it is: the
installation, the tenant, the run, the fence that the run was held under, and the SHA-256 of its bytes.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

from config.environ import BadSetting

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("file", "s3", "gs", "az")
_CHUNK_BYTES = 1024 * 1024
_FORM = re.compile(r"([0-9a-f-]{36})/([0-9a-f-]{36})/([0-9a-f-]{36})/([0-9]{1,18})/[0-9a-f]{64}")
# What a process that was killed while it wrote into a folder left there.
_UNFINISHED = re.compile(r"[0-9a-f]{64}#[0-9]+")
# What follows a question mark in an address: with Azure a signature that opens the container.
_SIGNED = re.compile(r"\?[^\s\")]+")
# A pull of a large file is one request; one that nobody answers is known by its connection.
# Addresses of the providers are https; one that AWS_ENDPOINT_URL names is as its operator wrote it.
_CLIENT = {"allow_http": True, "connect_timeout": timedelta(seconds=5), "timeout": timedelta(minutes=10)}
_PATIENCE = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


class StoreUnavailable(Exception):
    """The store of files does not answer, or refuses; ARTIFACT_URL and its credentials say which it is."""


class Missing(Exception):
    """A file is no more in the store."""


class Owner(NamedTuple):
    """Whose a file is, as its key says."""

    installation: UUID
    tenant_id: UUID
    run_id: UUID
    fence: int


def key_of(owner: Owner, sha256: str) -> str:
    """Where the file of that content and owner lies. The same content of another fence lies elsewhere: see owner_of."""
    return "/".join((*map(str, owner), sha256))


def owner_of(key: str) -> Owner | None:
    """Whose file it is; None for one that is not ours. Nobody else ever gets its key, so it may go once its owner did."""
    found = _FORM.fullmatch(key)
    if found is None:
        return None
    try:
        return Owner(UUID(found[1]), UUID(found[2]), UUID(found[3]), int(found[4]))
    except ValueError:
        return None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """Files by their keys. Any thread may use it. Made from ARTIFACT_URL: raises BadSetting. Methods raise StoreUnavailable."""

    def __init__(self, url: str) -> None:
        # Takes 60 ms to import, and a process without a store never does.
        from obstore.store import LocalStore, from_url

        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store: ObjectStore
        try:
            if self._folder is not None:
                self._store = LocalStore(self._folder, mkdir=True, automatic_cleanup=True)
            else:
                self._store = from_url(url, client_options=_CLIENT, retry_config=_PATIENCE)  # type: ignore[call-overload]  # of all three
        except Exception as error:
            raise BadSetting(f"ARTIFACT_URL names what can't be used: {str(error).splitlines()[0][:300]}") from error

    def put(self, key: str, path: Path) -> None:
        """Puts the file there, on disk by the time that this returns; the same key again is the same bytes again."""
        import obstore

        try:
            obstore.put(self._store, key, path)
            if self._folder is not None:
                _sync(self._folder / key, self._folder)
        except Exception as error:  # the library has a class for each of its stores' errors
            raise StoreUnavailable(_briefly(error)) from error

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of a file, in pieces; what is asked for is asked at once. Raises Missing."""
        import obstore

        try:
            found = obstore.get(self._store, key)
        except FileNotFoundError:
            raise Missing(f"{key} is no more in the store") from None
        except Exception as error:
            raise StoreUnavailable(_briefly(error)) from error
        return map(bytes, found.stream(min_chunk_size=_CHUNK_BYTES))

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes the files; one that is gone already is fine."""
        import obstore

        try:
            if self._folder is None:
                obstore.delete(self._store, list(keys))
                return
            for key in keys:
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue
        except Exception as error:
            raise StoreUnavailable(_briefly(error)) from error

    def each(self, prefix: str, at_once: int = 1000) -> Iterator[list[str]]:
        """The keys below a prefix, so many at once; those that are not ours among them."""
        import obstore

        try:
            for found in obstore.list(self._store, prefix, chunk_size=at_once):
                yield [each["path"] for each in found]
        except Exception as error:
            raise StoreUnavailable(_briefly(error)) from error

    def erase(self, prefix: str) -> int:
        """Deletes what lies below a prefix; how many files went."""
        gone = 0
        for keys in self.each(prefix):
            self.delete(keys)
            gone += len(keys)
        return gone

    def forget_unfinished(self, prefix: str, before: float) -> int:
        """Deletes what killed processes left half written below a prefix before that time of its clock; how many files.

        A bucket keeps no such thing in sight: its own rule for unfinished uploads ends them.
        """
        if self._folder is None:
            return 0
        gone = 0
        try:
            for path in _below(self._folder / prefix):
                if _UNFINISHED.fullmatch(path.name):
                    with suppress(FileNotFoundError):
                        if path.stat().st_mtime < before:
                            path.unlink()
                            gone += 1
        except OSError as error:
            raise StoreUnavailable(_briefly(error)) from error
        return gone


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder. Others delete in it meanwhile, files and folders: what has gone is passed over."""
    for here, _, names in os.walk(folder):
        yield from (Path(here, name) for name in names)


def _sync(path: Path, folder: Path) -> None:
    """Has a file and the folders down to it on the disk, so that a row that names it never outlives it."""
    while True:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if path == folder:
            return
        path = path.parent


def _briefly(error: Exception) -> str:
    """The first line of what the library says, without what an address is signed with; the rest is its own insides."""
    first = next(iter(str(error).splitlines()), "") or type(error).__name__
    return f"the store of files (ARTIFACT_URL) does not do it: {_SIGNED.sub('?…', first)[:300]}"
