"""Faults of Postgres and of the disk under it."""

import contextlib
import functools
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from local.processes import unprivileged
from proof.chaos.world import World

_PATIENCE_SECONDS = 20.0
_BETWEEN_TRIES = 0.1
_WRITERS = "select pid from pg_stat_activity where backend_type in ('client backend', 'walwriter')"
_NO_SYNC = re.compile(r"PANIC: .*could not fdatasync.*")
_NO_ROOM = re.compile(r"[A-Z]+: .*No space left.*")
# A byte of WAL on the disk, which is what a commit waits for.
_WRITE = "select pg_logical_emit_message(true, 'chaos', 'x')"


@contextmanager
def immediate_stop(world: World, _chance: random.Random) -> Iterator[str]:
    """Postgres stops as in a crash, and recovers."""
    world.postgres.stop("immediate")
    yield "postgres"
    world.postgres.start()


@contextmanager
def backends_end(world: World, chance: random.Random) -> Iterator[str]:
    """Some of the connections are ended by the server."""
    with world.connect() as conn:
        row = conn.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and random() < %s",
            (chance.uniform(0.3, 1.0),),
        ).fetchone()
    yield f"{row[0] if row else 0} backends"


@contextmanager
def runs_locked(world: World, chance: random.Random) -> Iterator[str]:
    """Somebody holds a lock on all runs, as a migration may."""
    with contextlib.suppress(psycopg.OperationalError), world.connect() as conn, conn.transaction():
        conn.execute("lock table runs in access exclusive mode")
        yield "runs"
        time.sleep(chance.uniform(0.5, 2.0))


@contextmanager
def idle_transaction(world: World, chance: random.Random) -> Iterator[str]:
    """Somebody holds rows of schedules in a transaction and idles."""
    with contextlib.suppress(psycopg.OperationalError), world.connect() as conn, conn.transaction():
        conn.execute("select id from schedules where random() < 0.2 for update")
        yield "a fifth of the schedules"
        time.sleep(chance.uniform(1.0, 4.0))


@contextmanager
def disk_full(world: World, chance: random.Random) -> Iterator[str]:
    """There is no room for WAL: Postgres panics, and as often as it comes back, until there is."""
    assert world.disk
    began = time.monotonic()
    least = chance.uniform(0.5, 1.5) * world.setup.lease_seconds
    said = None
    try:
        while (lasted := time.monotonic() - began) < least or (said is None and lasted < _PATIENCE_SECONDS):
            # What checkpoints give back in between is taken as well.
            world.disk.fill()
            with contextlib.suppress(psycopg.OperationalError), world.connect() as conn:
                conn.execute(_WRITE)
                conn.execute("select pg_switch_wal()")
            said = said or _NO_ROOM.search(world.postgres.log())
            time.sleep(_BETWEEN_TRIES)
    finally:
        world.disk.clear()
        # It may run, recover, or have given up.
        world.postgres.restart("immediate")
    yield said[0] if said else "the disk, unfelt"


@functools.cache
def lacks_tracing() -> str:
    """Why no system call of a running server can be made to fail here; nothing when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    user = unprivileged()
    with subprocess.Popen(["sleep", "0.3"], user=user.pw_uid if user else None) as other:
        command = ["strace", "-qq", "-e", "trace=none", "-o", os.devnull, "-p", str(other.pid)]
        tried = subprocess.run(command, check=False, capture_output=True)
    return "strace may not trace other processes here" if tried.returncode else ""


@contextmanager
def sync_error(world: World, _chance: random.Random) -> Iterator[str]:
    """The disk says that it could not keep what a commit waits for: Postgres panics and recovers."""
    before = len(world.postgres.log())
    with contextlib.suppress(psycopg.OperationalError), world.connect() as conn:
        own = conn.info.backend_pid
        pids = [pid for (pid,) in conn.execute(_WRITERS).fetchall() if pid != own]
        with _failing_syncs([*pids, own]):
            # Whoever syncs first ends us all.
            while True:
                conn.execute(_WRITE)
    said = _NO_SYNC.search(world.postgres.log()[before:])
    _wait_until_up(world)
    yield said[0] if said else "the disk, unfelt"


@contextmanager
def _failing_syncs(pids: list[int]) -> Iterator[None]:
    """Every fdatasync of these processes fails; once the last of them is traced it holds."""
    command = ["strace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"]
    command += [word for pid in pids for word in ("-p", str(pid))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
        assert tracing.stderr
        try:
            said = []
            for line in tracing.stderr:
                said.append(line)
                if f"{pids[-1]} attached" in line:
                    break
            else:
                raise RuntimeError(f"strace did not begin: {''.join(said)}")
            yield
        finally:
            tracing.terminate()
            tracing.communicate()


def _wait_until_up(world: World) -> None:
    """Returns once Postgres takes connections again; one that doesn't in a while is started anew."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError), world.connect():
            return
        time.sleep(_BETWEEN_TRIES)
    world.postgres.restart("immediate")
