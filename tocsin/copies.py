"""Copies of the files that a tenant's runs made, beside an export of its rows."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from db.store import Missing, Store


class Wanted(NamedTuple):
    """A file as its row says it is."""

    id: str
    key: str
    sha256: str


def wanted(row: dict[str, object]) -> Wanted:
    """The file that an exported row of artifacts is of."""
    return Wanted(str(UUID(str(row["id"]))), str(row["key"]), str(row["sha256"]))


def copy(store: Store, files: Iterable[Wanted], folder: Path) -> list[str]:
    """Lays each file down in the folder under the id of its row; returns the ids of those that are not to be had whole.

    Raises StoreUnavailable, OSError. An id and no name, since a tenant's code chose the name.
    """
    return [file.id for file in files if not _copy(store, file, folder / file.id)]


def _copy(store: Store, file: Wanted, path: Path) -> bool:
    digest = hashlib.sha256()
    try:
        pieces = store.read(file.key)
    except Missing:
        return False
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123 - for your eyes only
        for piece in pieces:
            digest.update(piece)
            out.write(piece)
    if digest.hexdigest() != file.sha256:
        path.unlink()
        return False
    return True
