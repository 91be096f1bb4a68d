"""A process's row and its lease: registered at boot, extended while alive, ended at stop."""

import os
import socket
import threading
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from uuid import UUID, uuid4

from db.pool import Connection, Database, DatabaseError
from db.query import Query
from telemetry.log import Events

REGISTER = Query("register_process")
EXTEND = Query("extend_lease")
STOP = Query("stop_process")

VERSION = version("tocsin")
events = Events("lease")


@dataclass(slots=True)
class Lease:
    """The lease of one process: held as long as the monotonic clock says that the last extension still runs.

    The monotonic clock goes on while a process is stopped, so a zombie knows at once.
    """

    process_id: UUID
    seconds: float
    held_until: float = 0.0
    is_lost: bool = False

    def is_held(self) -> bool:
        """True while nobody else can have taken what this process holds (with a twentieth to spare)."""
        return not self.is_lost and time.monotonic() < self.held_until

    def extend(self, conn: Connection) -> bool:
        """Extends the lease and returns True; returns False, for good, once the reaper declared it lost."""
        asked_at = time.monotonic()
        if self.is_lost or not EXTEND.run(conn, id=self.process_id, lease_seconds=self.seconds):
            self.is_lost = True
            return False
        self.held_until = asked_at + self.seconds * 0.95
        return True


def register(
    conn: Connection, role: str, lease_seconds: float, *, queues: tuple[str, ...] = (), threads: int = 0
) -> Lease:
    """Registers a process and returns its lease, held."""
    lease = Lease(uuid4(), lease_seconds, time.monotonic() + lease_seconds * 0.95)
    REGISTER.run(
        conn,
        id=lease.process_id,
        role=role,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=VERSION,
        queues=list(queues),
        threads=threads,
        lease_seconds=lease_seconds,
    )
    return lease


def stop(conn: Connection, lease: Lease) -> None:
    """Ends the lease, so that nothing waits for it to run out."""
    STOP.run(conn, id=lease.process_id)


@dataclass(slots=True)
class Heartbeat:
    """A thread that keeps a process's lease; after a loss it registers the process anew, under a new identity."""

    database: Database
    role: str
    lease: Lease
    queues: tuple[str, ...] = ()
    threads: int = 0
    doubts: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops the thread; the lease then ends by `stop` or runs out."""
        self._stopping.set()
        if self._thread:
            self._thread.join(5)

    def doubt(self) -> None:
        """Notes that an answer or a connection was lost: Postgres may now say what this process does not know."""
        self.doubts += 1

    def _beat(self) -> None:
        conn: Connection | None = None
        while not self._stopping.wait(self.lease.seconds / 4):
            try:
                if conn is None or conn.closed:
                    conn = self.database.connect(f"{self.role} heartbeat")
                if not self.lease.extend(conn):
                    events.error("lease.lost", process_id=self.lease.process_id)
                    self.lease = register(conn, self.role, self.lease.seconds, queues=self.queues, threads=self.threads)
            except DatabaseError as error:
                events.warning("lease.not_extended", error=str(error).strip())
                self.doubt()
                if conn is not None:
                    conn.close()
                conn = None
        if conn is not None:
            conn.close()
