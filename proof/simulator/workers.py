"""Worker processes: a model of lease -> run -> finish, with deaths at any point, stalls beyond the lease, and zombies."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from config.environ import QUEUES
from db.runs import LEAD_SECONDS
from proof.simulator.redis import Pointers
from proof.simulator.rows import ProcessRow, RunRow

if TYPE_CHECKING:
    from proof.simulator.system import System

SUSPECT: Final = "suspect"
# By kind: seconds that a run takes at least and at most; how often it returns Later, raises, and is rejected.
NATURES: Final[dict[str, tuple[float, float, float, float, float]]] = {
    "quick": (0.01, 2, 0.01, 0.01, 0.001),
    "slow": (60, 6 * 3600, 0.02, 0.02, 0.005),
    "flaky": (1, 60, 0.25, 0.2, 0.03),
    "poison": (1, 60, 0.05, 0.05, 0.0),
}
_DEADLY = 0.05


@dataclass(slots=True, eq=False)
class Attempt:
    """A leased run in a process's hands."""

    run: RunRow
    fence: int
    attempt: int
    deadline: datetime
    process: UUID
    began_at: datetime | None = None
    is_over: bool = False


@dataclass(slots=True, frozen=True)
class Begun:
    """A handler's first line: outside the store, by its own clock."""

    at: datetime
    run: RunRow
    slot_at: datetime
    fence: int
    process: UUID


@dataclass(slots=True, frozen=True)
class Ended:
    """A finish that the store took, under the fence of the attempt that handed it in."""

    at: datetime
    run: RunRow
    fence: int


class WorkerProcess:
    """A worker from its boot to its death, and its successors under the same name."""

    def __init__(self, system: "System", number: int, room: int) -> None:
        self.name = f"worker {number}"
        self._system = system
        self._world = system.world
        self._room = room
        self._boot = 0
        self._waiting: deque[tuple[str, Pointers]] = deque(maxlen=200)
        self._attempts: dict[int, Attempt] = {}
        self._stalled_until: datetime | None = None
        self._row: ProcessRow | None = None
        self.is_alive = False
        self.conn = system.connect(self)

    def boot(self) -> None:
        """A new process, unless one lives."""
        if not self.is_alive:
            self.is_alive, self._stalled_until = True, None
            self._boot += 1
            self._register()
            self._world.after(0.5, self._in_this_boot(self.look))

    def kill(self) -> None:
        """The process gone, and what it held with it."""
        if self.is_alive and self._row is not None:
            self._world.tell(self.name, f"dies with {len(self._attempts)}")
            self.is_alive = False
            self._attempts, self._waiting = {}, deque(maxlen=200)
            if self._stalled_until is None:
                self._system.let_run_out(self._row)

    def drain(self) -> None:
        """The process ended by SIGTERM: what it held is given back, its attempt not counted."""
        if self.is_alive and self._stalled_until is None and self._row is not None:
            held = [(each.run, each.fence) for each in self._attempts.values()]
            self._ask("release_runs", runs=held, reason="drained", delay=0)
            self._ask("stop_process", id=self._row.id)
            self.is_alive, self._attempts = False, {}
            self._world.tell(self.name, f"drains {len(held)}")
            self._system.stir(1.0)

    def stall(self, seconds: float) -> None:
        """The process stopped for so long; when it wakes it knows what it knew."""
        if self.is_alive and self._stalled_until is None and self._row is not None:
            self._world.tell(self.name, f"stalls for {seconds:.1f}")
            self._stalled_until = self._world.now + timedelta(seconds=seconds)
            self._system.let_run_out(self._row)
            self._world.after(seconds, self._in_this_boot(self._wake))

    def hear(self, queue: str, pointers: Pointers) -> None:
        """A message arrived; what there is no room for waits in the process."""
        if not self.is_alive:
            return
        if self._stalled_until is not None or not self._has_room(queue):
            self._waiting.append((queue, pointers))
            return
        self._lease(pointers)

    def look(self) -> bool:
        """Starts stale runs as far as there is room; True when the process could look at all."""
        if not self.is_alive or self._stalled_until is not None or "no_look" in self._system.plants:
            return False
        for queues, most in ((list(QUEUES), self._room - len(self._attempts)), ([SUSPECT], self._has_room(SUSPECT))):
            if most > 0:
                found = self._ask("find_stale_runs", queues=queues, age=2.0, room=most)
                self._lease([(id_, fence) for id_, _, fence in found])
        return True

    def _lease(self, pointers: Pointers) -> None:
        room = self._room + 1 - len(self._attempts)
        chosen, rest = pointers[:room], pointers[room:]
        if rest:
            self._waiting.append(("default", rest))
        if not chosen or self._row is None:
            return
        if self._row.is_over:
            # Its heartbeat has told it meanwhile.
            self._register()
        ids, fences = [id_ for id_, _ in chosen], [fence for _, fence in chosen]
        leased = self._ask("start_runs", ids=ids, fences=fences, process_id=self._row.id, lead=LEAD_SECONDS)
        if leased and self._system.is_stormy and self._world.chance(0.002):
            # The answer was lost: these runs are leased by a process that knows nothing of them.
            self._world.tell(self.name, "never learned what it leased")
            for (run,) in leased:
                self._system.stir_at(run.deadline_at + timedelta(seconds=6))
            return
        for (run,) in leased:
            attempt = Attempt(run, run.fence, run.attempt, run.deadline_at, self._row.id)
            self._attempts[id(attempt)] = attempt
            late = self._world.rng.uniform(0.0005, 0.05)
            begin = self._world.now if "no_hold" in self._system.plants else run.started_at
            self._world.at(begin + timedelta(seconds=late), self._in_this_boot(partial(self._begin, attempt)))

    def _begin(self, attempt: Attempt) -> None:
        if self._put_off(partial(self._begin, attempt)) or attempt.is_over:
            return
        if self._row is None or self._row.id != attempt.process or self._row.lost_at is not None:
            self._drop(attempt)
            return
        run, world = attempt.run, self._world
        attempt.began_at = world.now
        self._system.begun.append(Begun(world.now, run, run.slot_at, attempt.fence, attempt.process))
        if run.kind == "poison" and self._system.is_stormy and world.chance(_DEADLY):
            world.after(world.rng.uniform(0, 5), self._in_this_boot(self._die_of(attempt)))
        low, high, *_ = NATURES[run.kind]
        ends = world.now + timedelta(seconds=world.rng.uniform(low, high))
        ends = min(ends, attempt.deadline)
        world.at(ends, self._in_this_boot(partial(self._end, attempt)))
        self._watch(attempt)

    def _watch(self, attempt: Attempt) -> None:
        """Sees about once a second whether somebody asked to cancel; the model looks when it was asked."""
        self._system.watchers[attempt.run.id] = self._in_this_boot(partial(self._cancel, attempt))

    def _cancel(self, attempt: Attempt) -> None:
        if not attempt.is_over and not self._put_off(partial(self._cancel, attempt)) and self._world.chance(0.8):
            self._finish(attempt, "cancelled", "cancelled", None)

    def _end(self, attempt: Attempt) -> None:
        if attempt.is_over or self._put_off(partial(self._end, attempt)):
            return
        *_, later, raised, rejected = NATURES[attempt.run.kind]
        draw = self._world.rng.random()
        is_last = attempt.attempt >= attempt.run.max_attempts
        if self._world.now >= attempt.deadline or draw < later + raised:
            delay = self._world.rng.uniform(0, 600) if draw < later else None
            self._finish(attempt, "dead" if is_last else "pending", "retry", delay)
        elif draw < later + raised + rejected:
            self._finish(attempt, "dead", None, None)
        else:
            self._finish(attempt, "succeeded", None, None)

    def _finish(self, attempt: Attempt, state: str, reason: str | None, delay: float | None) -> None:
        attempt.is_over = True
        asked = {"run": attempt.run, "fence": attempt.fence, "state": state, "reason": reason, "delay": delay}
        found = self._ask("finish_runs", **asked)
        if found:
            self._system.ended.append(Ended(self._world.now, attempt.run, attempt.fence))
        if self._system.is_stormy and self._world.chance(0.01):
            # The answer was lost: the same finish again, which must be answered as the first was.
            again = self._ask("finish_runs", **asked)
            if bool(found) != bool(again):
                self._system.claim("a finish repeated after a lost answer is answered otherwise", attempt.run)
        self._drop(attempt)
        if any(has_waiting for _, has_waiting, _ in found):
            self._system.notify()
        if found and attempt.run.state == "pending":
            self._system.stir_at(attempt.run.available_at)
        elif attempt.run.schedule.next_fire_at is None:
            self._system.stir(1.0)

    def _drop(self, attempt: Attempt) -> None:
        attempt.is_over = True
        self._attempts.pop(id(attempt), None)
        self._system.watchers.pop(attempt.run.id, None)
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._has_room(self._waiting[0][0]):
            queue, pointers = self._waiting.popleft()
            self.hear(queue, pointers)

    def _wake(self) -> None:
        self._stalled_until = None
        if self._row is not None and self._row.is_over:
            self._world.tell(self.name, "wakes as a zombie")
            self._register()
        elif self._row is not None:
            self._system.keep(self._row)
        self._serve()

    def _register(self) -> None:
        row = ProcessRow(UUID(int=self._world.rng.getrandbits(128), version=4), "worker")
        self._system.store.processes[row.id] = row
        self._row = row

    def _has_room(self, queue: str) -> int:
        if queue == SUSPECT:
            return int(not any(each.run.queue == SUSPECT for each in self._attempts.values()))
        return max(0, self._room - len(self._attempts))

    def _put_off(self, action: Any) -> bool:
        """True while the process is stopped: then the action comes when it wakes."""
        if self._stalled_until is None:
            return False
        late = self._stalled_until + timedelta(seconds=self._world.rng.uniform(0, 0.5))
        self._world.at(late, self._in_this_boot(action))
        return True

    def _in_this_boot(self, action: Any) -> Any:
        boot = self._boot

        def act() -> None:
            if self.is_alive and boot == self._boot:
                action()

        return act

    def _die_of(self, attempt: Attempt) -> Any:
        def die() -> None:
            if not attempt.is_over:
                self.kill()
                self._world.after(self._world.rng.uniform(0.5, 30), self.boot)

        return die

    def _ask(self, name: str, **params: Any) -> Sequence[tuple[Any, ...]]:
        return self.conn.ask(name, params)
