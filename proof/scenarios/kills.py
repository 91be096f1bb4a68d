"""Workers that are killed while they run what takes its time: when all that each of them had goes on."""

import argparse
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import redis

from local.journal import machine_time
from proof.chaos.seats import Seat
from proof.chaos.world import Setup
from proof.records import History, RunMove, Start
from proof.scenarios import rates
from proof.scenarios.ground import Ground, process_of, sleep_until
from proof.scenarios.load import Load
from proof.scenarios.report import Goal, Part, judged, soundness

_LONG_RATE, _HERD, _HERD_WORK_SECONDS = 4.0, 30, 0.1
_AFTER_HERD_SECONDS = 0.25
# By then every living consumer has asked Redis again.
_SILENT_SECONDS = 2.5
# From a lease to the witness of its start.
_ANSWER_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0
_LEASED_SECONDS, _RUNG_SECONDS = 20.0, 5.0


class Kill(NamedTuple):
    """When a worker was killed, under which identity it held its leases, and the runs that it had fetched."""

    at: float
    process: str
    pid: int
    fetched: frozenset[str]


class Waits(NamedTuple):
    """From kills to next starts, in seconds, by what the killed worker had: begun or only leased, first tries or suspects.

    Rung is what nobody had leased; fetched of it is what lay with the killed worker. `missing` never went on.
    """

    begun: list[float]
    leased: list[float]
    fetched: list[float]
    rung: list[float]
    suspects: list[float]
    missing: list[str]


def measure(args: argparse.Namespace) -> list[Part]:
    """The part about workers."""
    every = max(2, round(args.every))
    loads = (
        Load("long", rate=_LONG_RATE, work_seconds=args.work_seconds),
        Load("short", rate=args.rate, interval_seconds=5),
        Load(
            "herd",
            rate=_HERD / every,
            work_seconds=_HERD_WORK_SECONDS,
            interval_seconds=every,
            is_herd=True,
            is_mixed=False,
        ),
    )
    chance = random.Random(args.seed)
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-resume-") as folder,
        Ground(Path(folder), Setup(lease_seconds=args.lease, late_seconds=30.0)) as ground,
    ):
        ground.take_seats()
        begins = ground.offer(*loads)
        done = []
        for number in range(1, args.count + 1):
            sleep_until(begins + number * every + chance.uniform(0, _AFTER_HERD_SECONDS))
            done.append(_kill(ground, chance.choice([seat for seat in ground.of("worker") if seat.is_up()])))
        time.sleep(args.lease + _RUNG_SECONDS)
        ground.close_load()
        is_over = ground.wait_until_idle(_PATIENCE_SECONDS + args.lease)
        history = ground.history()
        verdict = ground.judge(history)
    found = waits(history, done)
    begun, leased, fetched, rung, suspects = (rates.spread(each) for each in found[:5])
    burnt = wrong_attempts(history, done)
    goals = [
        Goal("p99 of seconds to the next attempt of what had begun", begun["p99"], "<=", _LEASED_SECONDS),
        Goal("most seconds to the start of what was rung and not leased", rung["max"], "<=", _RUNG_SECONDS),
        Goal("runs that never went on", len(found.missing), "=", 0),
        Goal("runs marked dead or cancelled", sum(run.state in ("dead", "cancelled") for run in history.runs), "=", 0),
        Goal("runs with a wrong count of attempts", len(burnt), "=", 0),
        *soundness(verdict, is_over=is_over),
    ]
    if leased["count"]:
        goals.insert(1, Goal("p99 of the same, leased and not begun", leased["p99"], "<=", _LEASED_SECONDS))
    if fetched["count"]:
        goals.insert(1, Goal("most seconds, fetched and not leased", fetched["max"], "<=", _RUNG_SECONDS))
    figures: dict[str, Any] = {
        "leaseSeconds": args.lease,
        "kills": len(done),
        "begun": begun,
        "leasedNotBegun": leased,
        "fetchedNotLeased": fetched,
        "rungNotLeased": rung,
        "suspectsStruckAgain": suspects,
    }
    figures |= {"missing": found.missing[:5]} if found.missing else {}
    figures |= {"burnt": burnt[:5]} if burnt else {}
    return [Part("workers killed", goals, figures | judged(verdict))]


def waits(history: History, kills: Sequence[Kill]) -> Waits:
    """What was leased by each killed worker and what was rung then, and how long it was until somebody started it.

    What the next kill met again before it had started counts from that one on.
    """
    moves = _by_run(history.run_moves)
    starts: dict[str, list[Start]] = defaultdict(list)
    for start in history.starts:
        starts[start.run].append(start)
    killed = {kill.process for kill in kills}
    found = Waits([], [], [], [], [], [])
    for kill in kills:
        for run, each in moves.items():
            last = _last_before(each, kill.at)
            if last is None or not _is_struck(each, last, kill):
                continue
            after = min((s.at for s in starts[run] if s.at > kill.at and s.pid != kill.pid), default=None)
            if after is None:
                found.missing.append(run)
            elif not any(_is_lost_again(move, killed, kill, after) for move in each):
                _list(found, kill, last, each, starts[run]).append(after - max(kill.at, last.slot / 1000))
    return found


def _is_struck(moves: Sequence[RunMove], last: RunMove, kill: Kill) -> bool:
    """Whether the kill took the run's worker, or met it when it was rung."""
    if last.state == "queued":
        return last.slot / 1000 <= kill.at or last.run in kill.fetched
    return last.state == "running" and last.leased_by == kill.process and not _ended_under(moves, last)


def _is_lost_again(move: RunMove, killed: set[str], kill: Kill, until: float) -> bool:
    """Whether the move is a lease of another killed worker under which nothing began until then."""
    return kill.at < move.at < until - _ANSWER_SECONDS and move.state == "running" and move.leased_by in killed


def _list(found: Waits, kill: Kill, last: RunMove, moves: Sequence[RunMove], starts: Sequence[Start]) -> list[float]:
    """Where the wait belongs."""
    if any(move.seq < last.seq and move.state == "running" for move in moves):
        return found.suspects
    if last.state == "running":
        return found.begun if any(start.at <= kill.at for start in starts) else found.leased
    return found.fetched if last.run in kill.fetched else found.rung


def wrong_attempts(history: History, kills: Sequence[Kill]) -> list[str]:
    """The runs whose count of attempts is not one, and one more for each kill after the first that met it.

    The first time that its process dies a run is a suspect only; from then on it counts.
    """
    moves = _by_run(history.run_moves)
    met: dict[str, int] = defaultdict(int)
    for kill in kills:
        for run, each in moves.items():
            before = _last_before(each, kill.at)
            is_met = before is not None and before.state == "running" and before.leased_by == kill.process
            if is_met and before is not None and not _ended_under(each, before):
                met[run] += 1
    return [
        f"{run.run}: {run.attempt} attempts after {met[run.run]} kills"
        for run in history.runs
        if run.state == "succeeded" and run.attempt != max(1, met[run.run])
    ]


def _kill(ground: Ground, seat: Seat) -> Kill:
    with ground.connect() as conn:
        process = process_of(conn, seat)
    pid = seat.pid
    at = machine_time()
    with ground.fault("worker.kill", seat.name):
        seat.kill()
        seat.fill()
    time.sleep(_SILENT_SECONDS)
    return Kill(at, process, pid, frozenset(_fetched(ground, at)))


def _fetched(ground: Ground, at: float) -> set[str]:
    """The runs in messages of those who have not been heard of since: fetched, and never acknowledged."""
    with redis.Redis.from_url(ground.redis.url, decode_responses=True) as client:
        silent: Any = client.zrangebyscore("dramatiq:__heartbeats__", (at - 5) * 1000, at * 1000)
        found: set[str] = set()
        for name in silent:
            for key in client.scan_iter(f"dramatiq:__acks__.{name}.*"):
                queue = key.rpartition(".")[2]
                members: Any = client.smembers(key)
                for message in members:
                    told: Any = client.hget(f"dramatiq:{queue}.msgs", message)
                    if told:
                        found |= {run for run, _ in json.loads(told)["args"][1]}
        return found


def _by_run(moves: Iterable[RunMove]) -> dict[str, list[RunMove]]:
    found: dict[str, list[RunMove]] = defaultdict(list)
    for move in sorted(moves, key=lambda each: each.seq):
        found[move.run].append(move)
    return found


def _last_before(moves: Sequence[RunMove], at: float) -> RunMove | None:
    last = None
    for move in moves:
        if move.at > at:
            break
        last = move
    return last


def _ended_under(moves: Sequence[RunMove], lease: RunMove) -> bool:
    """Whether the end of the lease was under way when its process died, and was kept."""
    return any(move.seq > lease.seq and move.written_fence == lease.fence for move in moves)
