"""Whether handlers began as they may: never early, never twice but after a lost lease, never beside each other at a gate."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from proof.simulator.rows import Move, RunRow, ScheduleRow
from proof.simulator.system import System
from proof.simulator.workers import Begun

Found = tuple[str, str, str]


def check_begun(system: System) -> Iterator[Found]:
    """The violations that the handlers' own word, held against the moves in the store, gives."""
    moves = system.store.journal.moves
    begun: defaultdict[UUID, list[Begun]] = defaultdict(list)
    for each in system.begun:
        begun[each.run.id].append(each)
        if each.at < each.slot_at:
            yield "early", f"{each.slot_at} began at {each.at}", each.run.schedule.name
    for starts in begun.values():
        yield from _check_starts(starts, moves[starts[0].run.id])
    for process in (*system.store.processes.values(), *system.store.forgotten):
        if process.lost_at is not None and process.lost_at <= process.leased_until:
            yield "hasty", f"a {process.role} was declared lost at {process.lost_at}, before its lease ran out", ""
    for end in system.ended:
        if not any(move.at == end.at and move.fence == end.fence for move in moves[end.run.id]):
            yield "zombie", f"{end.run.slot_at} ended under fence {end.fence}, not its own", end.run.schedule.name
    for row in system.store.schedules.values():
        yield from _check_gate(row, system.store.runs_of(row), moves)


def _check_starts(starts: list[Begun], moves: list[Move]) -> Iterator[Found]:
    run = starts[0].run
    for first, second in itertools.pairwise(starts):
        closed = [move for move in moves if first.at <= move.at <= second.at and move.state != "running"]
        if second.fence <= first.fence or not closed:
            yield "started twice", f"{run.slot_at} at {first.at} and at {second.at}", run.schedule.name
    ends = [move for move in moves if move.state == "succeeded"]
    if len(ends) > 1:
        yield "succeeded twice", f"{run.slot_at}", run.schedule.name


def _check_gate(row: ScheduleRow, runs: list[RunRow], moves: dict[UUID, list[Move]]) -> Iterator[Found]:
    """No run of a gated schedule came to run while another did."""
    told: list[tuple[datetime, int, RunRow, Move]] = []
    for run in runs:
        told += [(move.at, move.state == "running", run, move) for move in moves[run.id]]
    told.sort(key=lambda each: each[:2])
    running: dict[UUID, RunRow] = {}
    free: set[UUID] = set()
    for _, is_running, run, move in told:
        if move.state == "queued" and move.overlap == "allow":
            # It holds no gate, nor do its later attempts.
            free.add(run.id)
        elif move.reason == "replayed":
            free.discard(run.id)
        if not is_running:
            running.pop(run.id, None)
            continue
        # Those that were released before there was a gate may run beside each other, and nothing beside them.
        if running and move.overlap != "allow" and not free >= {*running, run.id}:
            yield "two running", f"{run.slot_at} began at {move.at} beside {len(running)}", row.name
        running[run.id] = run
