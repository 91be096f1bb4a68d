"""burst: 10,000 schedules due at one instant, a no-op each, on two worker processes; beside peers in the same run.

Told twice: until the last handler began, and until Postgres shows everybody that the last one finished. Postgres is
asked once all have begun, so that nobody is slowed by the question.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from bench.peers.ours import Ours
from bench.peers.peer import Peer, Place
from bench.result import Goal, Options, Result
from bench.stage import NOW, Stage, spent, value

PLAIN = "plain Dramatiq actor"
_LIMIT_SECONDS = 90.0


class Burst(NamedTuple):
    """Seconds from the instant until the last had begun and until the last had finished."""

    started: float
    finished: float
    details: dict[str, Any]


def run(options: Options) -> list[Result]:
    count = options.size(10_000)
    makers = _makers()
    found: dict[str, list[Burst]] = {name: [] for name in makers}
    with Stage() as stage:
        for rep in range(options.reps):
            names = list(makers) if rep % 2 == 0 else list(makers)[::-1]
            for name in names:
                found[name].append(_burst(stage, makers[name](), count))
    details = {
        "due": count,
        "bursts": {name: [burst.details for burst in bursts] for name, bursts in found.items()},
    }
    ours = found.pop("tocsin")
    return [
        Result(
            "burst.last_started",
            "s",
            "lower",
            [burst.started for burst in ours],
            {name: [burst.started for burst in bursts] for name, bursts in found.items()},
            details={"due": count},
        ),
        Result(
            "burst.last_finished",
            "s",
            "lower",
            [burst.finished for burst in ours],
            {name: [burst.finished for burst in bursts] for name, bursts in found.items()},
            Goal(4, PLAIN),
            details,
        ),
    ]


def _makers() -> dict[str, Callable[[], Peer]]:
    # Imported here: the peers are installed by `make bench` only.
    from bench.peers.pgq import PgQueuerPeer
    from bench.peers.plain import Plain
    from bench.peers.procras import ProcrastinatePeer
    from bench.peers.redbeat import RedBeat

    return {
        "tocsin": Ours,
        PLAIN: Plain,
        "PgQueuer": PgQueuerPeer,
        "Procrastinate": ProcrastinatePeer,
        "RedBeat": RedBeat,
    }


def _burst(stage: Stage, peer: Peer, count: int) -> Burst:
    url = stage.database() if isinstance(peer, Ours) else stage.empty_database()
    stage.flush()
    with stage.processes() as processes, psycopg.connect(url, autocommit=True) as conn:
        peer.start(processes, Place(url, stage.redis.url))
        before = processes.stamps.count()
        lead = timedelta(seconds=2 + peer.lead_seconds * count / 10_000)
        due_at: datetime = value(conn, NOW) + lead
        loaded = peer.load(count, due_at)
        conn.execute("checkpoint")
        due = due_at.timestamp()
        assert time.time() < due - 0.2, f"{type(peer).__name__}: loading took longer than planned"
        assert processes.stamps.count() == before, "some began before their instant"
        cpu = processes.cpu()
        time.sleep(due - time.time())
        loaded.at_instant()
        processes.wait_until(lambda: processes.stamps.count() - before >= count, _LIMIT_SECONDS)
        began = processes.stamps.all()[before:]
        assert len(began) == count, f"{type(peer).__name__}: {len(began)} of {count} began within {_LIMIT_SECONDS:g} s"
        assert processes.wait_until(loaded.is_finished, _LIMIT_SECONDS, 0.01), (
            f"{type(peer).__name__}: not all finished"
        )
        finished = time.time()
        used = spent(cpu, processes.cpu(), count)
    stage.drop(url)
    last = began[-1][1]
    details = {
        "firstStarted": round(began[0][1] - due, 4),
        "medianStarted": round(began[count // 2][1] - due, 4),
        "cpuMicrosecondsPerRun": used,
    }
    return Burst(last - due, finished - due, details)
