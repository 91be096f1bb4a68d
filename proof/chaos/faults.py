"""The faults: each is done to a world, lasts until it is healed, and says what it was done to."""

import contextlib
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
import redis

from db.pool import Database
from proof.chaos.seats import Seat
from proof.chaos.world import World
from scheduler import schedules
from scheduler.refusals import NotFound, WrongState

FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
)
_COMMIT = re.compile(rb"(?i)\bcommit\b")
_FINISH = re.compile(rb"(?i)update runs as r")
_ACCEPTED = re.compile(rb"250 kept")

Attack = Callable[[World, random.Random], contextlib.AbstractContextManager[str]]
"""Entered it is done, and gives its target; left it is healed."""


def _a_seat(world: World, chance: random.Random, role: str) -> Seat:
    """One whose process has started, where there is one: what still boots holds nothing."""
    seats = [seat for seat in world.seats if seat.role == role]
    return chance.choice([seat for seat in seats if seat.is_up()] or seats)


def _kill(role: str) -> Attack:
    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = _a_seat(world, chance, role)
        seat.kill()
        yield seat.name
        seat.fill()

    return fault


def _stop(role: str, leases: float) -> Attack:
    """SIGSTOP for that many leases."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = _a_seat(world, chance, role)
        seat.signal(signal.SIGSTOP)
        try:
            yield seat.name
            time.sleep(leases * world.setup.lease_seconds)
        finally:
            seat.signal(signal.SIGCONT)

    return fault


def _terminate(role: str) -> Attack:
    """SIGTERM to the process and its children, twice, as platforms do."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = _a_seat(world, chance, role)
        seat.signal_all(signal.SIGTERM)
        time.sleep(chance.uniform(0, 0.3))
        seat.signal_all(signal.SIGTERM)
        yield seat.name
        if seat.wait(30) == -signal.SIGKILL:
            raise RuntimeError(f"{seat.name} did not drain within 30 s:\n{seat.log_end()}")
        seat.fill()

    return fault


def _clock(role: str) -> Attack:
    """A new process whose clock is ten minutes off, forward or back, until it is replaced."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        library = next(name for name in FAKETIME if os.path.exists(name))  # noqa: PTH110
        seat = _a_seat(world, chance, role)
        seat.kill()
        off = chance.choice(("+600", "-600"))
        seat.fill(LD_PRELOAD=library, FAKETIME=off, FAKETIME_DONT_FAKE_MONOTONIC="1")
        yield f"{seat.name} {off} s"
        time.sleep(2 * world.setup.lease_seconds)
        seat.kill()
        seat.fill()

    return fault


@contextmanager
def _postgres_stops(world: World, _chance: random.Random) -> Iterator[str]:
    world.postgres.stop("immediate")
    yield "postgres"
    world.postgres.start()


@contextmanager
def _backends_end(world: World, chance: random.Random) -> Iterator[str]:
    with world.connect() as conn:
        row = conn.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and random() < %s",
            (chance.uniform(0.3, 1.0),),
        ).fetchone()
    yield f"{row[0] if row else 0} backends"


@contextmanager
def _runs_locked(world: World, chance: random.Random) -> Iterator[str]:
    with contextlib.suppress(psycopg.OperationalError), world.connect() as conn, conn.transaction():
        conn.execute("lock table runs in access exclusive mode")
        yield "runs"
        time.sleep(chance.uniform(0.5, 2.0))


@contextmanager
def _idle_transaction(world: World, chance: random.Random) -> Iterator[str]:
    with contextlib.suppress(psycopg.OperationalError), world.connect() as conn, conn.transaction():
        conn.execute("select id from schedules where random() < 0.2 for update")
        yield "a fifth of the schedules"
        time.sleep(chance.uniform(1.0, 4.0))


@contextmanager
def _flushed(world: World, _chance: random.Random) -> Iterator[str]:
    with redis.Redis.from_url(world.redis.url) as client:
        client.flushall()
    yield "redis"


@contextmanager
def _shut_down(world: World, chance: random.Random) -> Iterator[str]:
    world.redis.kill()
    yield "redis"
    time.sleep(chance.uniform(0.2, 3.0))
    world.redis.start()


@contextmanager
def _old_dump(world: World, chance: random.Random) -> Iterator[str]:
    """What Redis held some seconds ago comes back."""
    with redis.Redis.from_url(world.redis.url) as client:
        client.save()
        dump = world.redis.folder / "dump.rdb"
        kept = dump.read_bytes()
        yield f"{len(kept)} bytes"
        time.sleep(chance.uniform(1.0, 3.0))
    world.redis.kill()
    dump.write_bytes(kept)
    world.redis.start()


def _configured(name: str, value: str, usual: str) -> Attack:
    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        with redis.Redis.from_url(world.redis.url) as client:
            client.config_set(name, value)
            yield f"redis {name} {value}"
            time.sleep(chance.uniform(0.5, 3.0))
            client.config_set(name, usual)

    return fault


@contextmanager
def _read_only(world: World, chance: random.Random) -> Iterator[str]:
    with redis.Redis.from_url(world.redis.url) as client:
        client.replicaof("127.0.0.1", "1")
        yield "redis"
        time.sleep(chance.uniform(0.5, 3.0))
        client.replicaof("NO", "ONE")


@contextmanager
def _partition(world: World, chance: random.Random) -> Iterator[str]:
    """The far ticker and worker reach neither Postgres nor Redis, or one of them, for longer than a lease."""
    links = {"postgres": [world.far_postgres], "redis": [world.far_redis]}
    links["both"] = links["postgres"] + links["redis"]
    name = chance.choice(sorted(links))
    for proxy in links[name]:
        proxy.hold(refuses=chance.random() < 0.5)
    yield f"the far seats from {name}"
    time.sleep(chance.uniform(0.5, 2.0) * world.setup.lease_seconds)
    for proxy in links[name]:
        proxy.release()


def _cut(pattern: re.Pattern[bytes]) -> Attack:
    """Answers to such requests of the far seats are lost, the connection with them, for a second or two."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        before = world.far_postgres.cuts
        world.far_postgres.cut_after = pattern
        time.sleep(chance.uniform(0.5, 2.0))
        world.far_postgres.cut_after = None
        yield f"{world.far_postgres.cuts - before} answers"

    return fault


@contextmanager
def _resets(world: World, _chance: random.Random) -> Iterator[str]:
    count = world.far_postgres.reset_all() + world.far_redis.reset_all() + world.mail_way.reset_all()
    yield f"{count} connections"


@contextmanager
def _mail_answer_lost(world: World, chance: random.Random) -> Iterator[str]:
    """Mails are kept, and their 250 is lost: the acknowledgement window."""
    before = world.mail_way.cuts
    world.mail_way.cut_before_reply = _ACCEPTED
    time.sleep(chance.uniform(0.5, 2.0))
    world.mail_way.cut_before_reply = None
    yield f"{world.mail_way.cuts - before} answers"


@contextmanager
def _mail_away(world: World, chance: random.Random) -> Iterator[str]:
    """The mail server is away: what would have been sent has to be tried again."""
    world.mail_way.hold(refuses=True)
    count = world.mail_way.reset_all()
    yield f"{count} connections"
    time.sleep(chance.uniform(1.0, 3.0))
    world.mail_way.release()


@contextmanager
def _person(world: World, chance: random.Random) -> Iterator[str]:
    """Somebody edits, or pauses and resumes, a schedule."""
    schedule = chance.choice(world.schedules)
    with Database.at(world.url).connect("chaos") as conn:
        with contextlib.suppress(NotFound, WrongState):
            row = schedules.get(conn, world.tenant, schedule)
            if row.status != "active" or chance.random() < 0.5:
                schedules.edit(conn, world.tenant, schedule, {"max_attempts": min(100, row.max_attempts + 1)})
                if row.interval_seconds:
                    schedules.edit(conn, world.tenant, schedule, {"interval_seconds": row.interval_seconds + 1})
            else:
                schedules.pause(conn, world.tenant, schedule, "chaos")
                time.sleep(chance.uniform(0, 1.0))
                schedules.resume(conn, world.tenant, schedule)
        yield str(schedule)


FAULTS: Mapping[str, Attack] = {
    "ticker.kill": _kill("ticker"),
    "worker.kill": _kill("worker"),
    "ticker.stop": _stop("ticker", 1.5),
    "worker.stop": _stop("worker", 2.0),
    "ticker.term": _terminate("ticker"),
    "worker.term": _terminate("worker"),
    "ticker.clock": _clock("ticker"),
    "worker.clock": _clock("worker"),
    "postgres.immediate_stop": _postgres_stops,
    "postgres.backends_end": _backends_end,
    "postgres.runs_locked": _runs_locked,
    "postgres.idle_transaction": _idle_transaction,
    "redis.flushall": _flushed,
    "redis.shutdown": _shut_down,
    "redis.old_dump": _old_dump,
    "redis.read_only": _read_only,
    "redis.full": _configured("maxmemory", "1", "0"),
    "network.partition": _partition,
    "network.reset": _resets,
    "network.commit_cut": _cut(_COMMIT),
    "network.finish_cut": _cut(_FINISH),
    "mail.answer_lost": _mail_answer_lost,
    "mail.away": _mail_away,
    "person": _person,
}
"""All faults by name. Clocks need libfaketime: `possible` leaves out what this machine can't do."""

WEIGHTS: Mapping[str, int] = {"worker.kill": 5, "ticker.kill": 5, "worker.stop": 2, "person": 3, "redis.flushall": 2}
"""How often a fault is drawn beside the others; 1 where nothing is said."""


def possible() -> dict[str, Attack]:
    """The faults that can be done on this machine."""
    has_faketime = any(os.path.exists(name) for name in FAKETIME)  # noqa: PTH110
    return {name: fault for name, fault in FAULTS.items() if has_faketime or not name.endswith(".clock")}
