"""What every bench stands on: real servers that keep what they commit, fresh databases, processes and their cost."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import redis

from bench.cost import Memory, descendants, memory, tree_cpu
from bench.result import ROOT
from bench.stamps import Stamps
from db.migrate import migrate, register
from db.pool import Database
from local.postgres import Postgres
from local.redis import Redis

# The same server for us and for every peer. fsync and synchronous_commit stay on, as they come.
POSTGRES_SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_connections": "200",
}
TEMPLATE = "bench_template"
# A run's id carries its slot to the millisecond, so schedules are due at whole ones.
NOW = "select date_trunc('milliseconds', clock_timestamp())"


class Stage:
    """A Postgres and a Redis for one bench, and what runs on them."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.postgres = Postgres(settings=POSTGRES_SETTINGS | dict(settings or {}))
        self.redis = Redis()
        self._open = ExitStack()
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))

    def __enter__(self) -> Self:
        self._open.enter_context(self.postgres)
        self._open.enter_context(self.redis)
        migrate(Database.at(self.postgres.create_database(TEMPLATE)))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def empty_database(self) -> str:
        """The address of a new database with nothing in it."""
        return self.postgres.create_database(f"bench_{uuid.uuid4().hex[:12]}")

    def database(self) -> str:
        """The address of a new database with our schema."""
        return self.copy(TEMPLATE)

    def copy(self, template: str) -> str:
        """The address of a copy of one of our databases; it is written down as an installation of its own."""
        url = self.postgres.create_database(f"bench_{uuid.uuid4().hex[:12]}", template=template)
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("delete from installation")
            register(conn)
        return url

    def drop(self, url: str) -> None:
        self.postgres.drop_database(url.rpartition("/")[2])

    def flush(self) -> None:
        """Empties Redis and writes Postgres's dirty pages, so that nobody pays for whoever ran before."""
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()
        with psycopg.connect(self.postgres.url, autocommit=True) as conn:
            conn.execute("checkpoint")

    @contextmanager
    def processes(self) -> Iterator["Processes"]:
        """Processes that are all ended at the end of the block."""
        found = Processes(self)
        try:
            yield found
        finally:
            found.stop()

    def server_cpu(self) -> dict[str, float]:
        """Seconds of CPU that the servers took since they began."""
        return {"postgres": tree_cpu(self.postgres.pid), "redis": tree_cpu(self.redis.pid)}

    def server_memory(self) -> dict[str, Memory]:
        """What the servers hold; Postgres's shared buffers, as far as they were touched, with it."""
        return {"postgres": memory(self.postgres.pid), "redis": memory(self.redis.pid)}


class Processes:
    """The processes of one repetition, by name."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._started = 0
        # What ours were started with, for those that come later.
        self.environ: dict[str, str] = {}
        self.stamps = Stamps(stage.folder / f"stamps-{uuid.uuid4().hex[:8]}")

    def start(self, name: str, *command: str, **environ: str) -> subprocess.Popen[bytes]:
        """Starts `python -m COMMAND` with its output in a file."""
        return self.run(name, sys.executable, "-m", *command, **environ)

    def start_code(self, name: str, code: str, **environ: str) -> subprocess.Popen[bytes]:
        """Starts `python -c CODE`, likewise."""
        return self.run(name, sys.executable, "-c", code, **environ)

    def run(self, name: str, *command: str, **environ: str) -> subprocess.Popen[bytes]:
        """Starts a command, likewise."""
        log = self._stage.folder / f"{name}-{self._started}.log"
        self._started += 1
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(os.environ) | {"BENCH_STAMPS": str(self.stamps.path)} | environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._children.append((name, child))
        return child

    def start_ours(self, url: str, workers: int = 1, tickers: int = 1, threads: int = 8, **more: str) -> list[int]:
        """Starts tickers and workers of ours; returns their ids once all have registered and had time to settle."""
        environ = {
            "DATABASE_URL": url,
            "REDIS_URL": self._stage.redis.url,
            "TOCSIN_KINDS": "bench.kinds:NOOP,bench.kinds:STAMP",
            "WORKER_THREADS": str(threads),
            "LOG_LEVEL": "warning",
        } | more
        self.environ = environ
        roles = [("ticker", "scheduler")] * tickers + [("worker", "workers")] * workers
        pids = [self.start(name, module, **environ).pid for name, module in roles]
        with psycopg.connect(url, autocommit=True) as conn:
            self.wait_until(
                lambda: value(conn, "select count(*) from processes where stopped_at is null") == workers + tickers, 30
            )
        time.sleep(1.5)
        return pids

    def wait_until(self, is_done: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
        """True once `is_done`; False when `seconds` passed first. Raises RuntimeError when a process died."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if is_done():
                return True
            for name, child in self._children:
                if child.poll() is not None:
                    raise RuntimeError(f"{name} ended with status {child.returncode}:\n{self._log_end(name)}")
            time.sleep(pause)
        return False

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU by name, with those of the servers."""
        found = self._stage.server_cpu()
        for name, child in self._children:
            found[name] = found.get(name, 0.0) + tree_cpu(child.pid)
        return found

    def memory(self) -> dict[str, Memory]:
        """The memory that processes hold, by name; with that of the servers."""
        found = {name: Memory(0, 0.0, 0.0) for name, _ in self._children}
        for name, child in self._children:
            found[name] = found[name].plus(memory(child.pid))
        return found | self._stage.server_memory()

    def each_memory(self, name: str) -> list[Memory]:
        """The memory of each living process of that name, with all that it began."""
        return [memory(child.pid) for each, child in self._children if each == name]

    def kill(self, name: str) -> None:
        """Ends the oldest living process of that name, with all that it began, by SIGKILL; nobody misses it then."""
        victim = next(each for each in self._children if each[0] == name)
        for pid in (victim[1].pid, *descendants(victim[1].pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        victim[1].wait()
        self._children.remove(victim)

    def stop(self) -> None:
        """Ends every process in order, by SIGTERM, and by SIGKILL what does not go."""
        for _, child in self._children:
            child.send_signal(signal.SIGTERM)
        for _, child in self._children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                for pid in (*descendants(child.pid), child.pid):
                    os.kill(pid, signal.SIGKILL)
                child.wait()
        self._children.clear()

    def _log_end(self, name: str) -> str:
        logs = sorted(self._stage.folder.glob(f"{name}-*.log"))
        return "".join(log.read_text(errors="replace")[-1500:] for log in logs)


def value(conn: psycopg.Connection[Any], statement: str, *params: object) -> Any:
    """The first column of the first row."""
    row = conn.execute(statement.encode(), params or None).fetchone()
    return row[0] if row else None
