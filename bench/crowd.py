"""One herd: much work due at one instant, for us or a peer, and when each piece of it began.

Postgres is asked whether all has finished once all have begun, so that nobody is slowed by the question.
"""

import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from bench.cost import spent
from bench.peers.ours import Ours
from bench.peers.peer import Peer, Place
from bench.result import percentile, tell
from bench.stage import Stage, value

LIMIT_SECONDS = 90.0
_LEAD_SECONDS = 5
# A whole one: RQ knows no others, and would begin too early.
_NEXT_SECOND = "select date_trunc('second', clock_timestamp()) + interval '1 second'"
# A curve is drawn out of so many steps.
_STEPS = 50


class Herd(NamedTuple):
    """Seconds from the instant: until the last had begun and until the last had finished, and what else there is to tell.

    Where fewer than all began in the time given, both are that time.
    """

    began: int
    started: float
    finished: float
    details: dict[str, Any]


class LoadedLate(AssertionError):
    """Storing the work took longer than was planned for it."""


def herd(stage: Stage, make: Callable[[], Peer], count: int, limit_seconds: float = LIMIT_SECONDS) -> Herd:
    """What became of `count` due at one instant; begun anew with more time where loading took too long.

    Raises Absent when the peer can't be measured here.
    """
    for patience in (1, 2):
        try:
            return _herd(stage, make(), count, limit_seconds, patience)
        except LoadedLate as error:
            tell(f"{error}; once more, with twice the time")
    return _herd(stage, make(), count, limit_seconds, 4)


def _herd(stage: Stage, peer: Peer, count: int, limit_seconds: float, patience: int) -> Herd:
    url = stage.database() if isinstance(peer, Ours) else stage.empty_database()
    stage.flush()
    try:
        with stage.processes() as processes, psycopg.connect(url, autocommit=True) as conn:
            peer.start(processes, Place(url, stage.redis.url, conn))
            before = processes.stamps.count()
            lead = timedelta(seconds=patience * (_LEAD_SECONDS + math.ceil(peer.lead_seconds * count / 10_000)))
            due_at: datetime = value(conn, _NEXT_SECOND) + lead
            loaded = peer.load(count, due_at)
            conn.execute("checkpoint")
            due = due_at.timestamp()
            if time.time() > due - 0.2:
                raise LoadedLate(f"{type(peer).__name__} took longer to load than was planned")
            assert processes.stamps.count() == before, f"{type(peer).__name__}: some began before their instant"
            cpu = processes.cpu()
            time.sleep(due - time.time())
            loaded.at_instant()
            processes.wait_until(lambda: processes.stamps.count() - before >= count, due + limit_seconds - time.time())
            is_done = processes.stamps.count() - before >= count and processes.wait_until(
                loaded.is_finished, limit_seconds, 0.01
            )
            finished = time.time() - due if is_done else limit_seconds
            used = spent(cpu, processes.cpu(), max(1, processes.stamps.count() - before))
            memory = {name: each.as_json() for name, each in processes.memory().items()}
            lags = [at - due for _, at in processes.stamps.all()[before:]]
    finally:
        stage.drop(url)
    assert len(lags) <= count, f"{type(peer).__name__}: {len(lags)} began, of {count}"
    details = {
        "began": len(lags),
        "isDone": is_done,
        "firstStarted": _round(lags[:1]),
        "medianStarted": _round([percentile(lags, 50)] if lags else []),
        "p99Started": _round([percentile(lags, 99)] if lags else []),
        "lastStarted": _round(lags[-1:]),
        "lastFinished": round(finished, 4) if is_done else None,
        "runsPerSecond": round(count / finished) if is_done else round(len(lags) / limit_seconds, 1),
        "cpuMicrosecondsPerRun": used,
        "memory": memory,
        "curve": curve(lags, count),
    }
    return Herd(len(lags), lags[-1] if len(lags) == count else limit_seconds, finished, details)


def curve(lags: Sequence[float], count: int) -> list[float]:
    """The lags of the first, and of those that complete each fiftieth of `count`, as far as they came."""
    places = [max(0, count * step // _STEPS - 1) for step in range(_STEPS + 1)]
    return [round(lags[place], 4) for place in places if place < len(lags)]


def _round(lags: Sequence[float]) -> float | None:
    return round(lags[0], 4) if lags else None
