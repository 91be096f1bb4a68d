"""The sweep: deletes files of the store that no run has and none ever will, whatever left them there.

A crash between a file and its row leaves one; so do a run that was taken away, a week that was dropped and a tenant that
was erased. It has a thread and a connection of its own, since no tick waits for a store.
"""

import threading
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.ids import slot_of
from db.pool import Connection, Database, DatabaseError
from db.query import Query
from db.store import Owner, Store, StoreUnavailable, owner_of
from telemetry.log import Events

events = Events("sweep")

_FIRST_SECONDS = 60.0
_EVERY_SECONDS = 6 * 3600.0
_PAUSE_SECONDS = 0.05
_A_DAY = 86_400.0


class Orphan(NamedTuple):
    """A file that belongs to nobody."""

    key: str


class Now(NamedTuple):
    """Postgres's time."""

    now: datetime


class Installation(NamedTuple):
    """This installation."""

    id: UUID


FIND_ORPHANS = Query("find_orphans", Orphan)
READ_NOW = Query("read_now", Now)
INSTALLATION = Query("get_installation", Installation)


class Sweep:
    """A thread that looks through the store a few times a day; any number of tickers may."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="sweep", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stops it between two looks; one that waits for the store ends with the process, and nothing is half done."""
        self._stopping.set()
        self._thread.join(2)

    def _look(self) -> None:
        wait = _FIRST_SECONDS
        while not self._stopping.wait(wait):
            wait = _EVERY_SECONDS
            try:
                with self._database.connect("sweep") as conn:
                    gone = sweep(conn, self._store, self._stopping)
                if gone:
                    events.info("files.swept", files=gone)
            except (DatabaseError, StoreUnavailable) as error:
                events.warning("sweep.failed", error=str(error).strip())
            except Exception as error:  # noqa: BLE001  the sweep must outlive every bug: without it files stay for ever
                events.error("sweep.failed", error=f"{type(error).__name__}: {error}")


def sweep(conn: Connection, store: Store, stopping: threading.Event | None = None) -> int:
    """Deletes this installation's orphans; how many went. Another's files and what is no file of ours stay."""
    installation, now = INSTALLATION.one(conn), READ_NOW.one(conn)
    if installation is None or now is None:
        return 0
    gone = store.forget_unfinished(str(installation.id), now.now.timestamp() - _A_DAY)
    for keys in store.each(str(installation.id)):
        owners = {key: owner for key in keys if (owner := owner_of(key)) and owner.installation == installation.id}
        orphans = _orphans(conn, owners)
        store.delete(orphans)
        gone += len(orphans)
        if stopping is not None and stopping.wait(_PAUSE_SECONDS):
            break
    return gone


def _orphans(conn: Connection, owners: dict[str, Owner]) -> list[str]:
    """The keys of the files that nobody has; one whose run's id is none stays where somebody put it."""
    asked = [(key, owner, slot) for key, owner in owners.items() if (slot := _slot_of(owner.run_id))]
    found = FIND_ORPHANS.all(
        conn,
        keys=[key for key, _, _ in asked],
        tenant_ids=[owner.tenant_id for _, owner, _ in asked],
        run_ids=[owner.run_id for _, owner, _ in asked],
        slots=[slot for _, _, slot in asked],
        fences=[owner.fence for _, owner, _ in asked],
    )
    return [row.key for row in found]


def _slot_of(run_id: UUID) -> datetime | None:
    """When the run was due, as its id says; None for an id that no run of ours has: a made-up one may name any year."""
    try:
        return slot_of(run_id)
    except (ValueError, OverflowError):
        return None
