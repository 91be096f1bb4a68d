"""The whole system in one process: the stores, the processes, who breaks them, and what everybody shares."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import psycopg

from proof.simulator.redis import Pointers, Redis
from proof.simulator.rows import INFINITY, ProcessRow, RunRow
from proof.simulator.seams import Connection
from proof.simulator.store import Store
from proof.simulator.tickers import LEASE_SECONDS, TickerProcess
from proof.simulator.workers import Begun, Ended, WorkerProcess
from proof.simulator.world import Died, World

DAY: Final = 86400.0
_ROOM = 64


@dataclass(slots=True)
class Claim:
    """Something that an actor saw and that must not be."""

    what: str
    run: RunRow


class System:
    """Tickers and workers over one store and one Redis. `standing` is the ticker whose step runs now."""

    def __init__(self, world: World, ahead_seconds: float, plants: frozenset[str]) -> None:
        self.world = world
        self.plants = plants
        self.ahead_seconds = ahead_seconds
        self.store = Store(world)
        self.store.plants = plants
        self.store.when_cancel_asked = self._tell_worker
        self.store.when_queued = self._expect
        self.redis = Redis(world, self._deliver)
        self.begun: list[Begun] = []
        self.ended: list[Ended] = []
        self.claims: list[Claim] = []
        self.watchers: dict[UUID, Callable[[], None]] = {}
        self.standing: TickerProcess | None = None
        self.is_stormy = True
        self.is_away = False
        self.tickers = [TickerProcess(self, number) for number in range(2)]
        self.workers = [WorkerProcess(self, number, _ROOM) for number in range(2)]

    def boot(self) -> None:
        """Every process up."""
        self.tickers[0].boot()
        for worker in self.workers:
            worker.boot()

    def connect(self, owner: object) -> Connection:
        """A new connection for the owner."""
        return Connection(self.store, self, owner)

    # What goes wrong, as seams.Nemesis.

    def at_point(self, name: str) -> None:
        """Kills or stalls the ticker that stands at the fault point, seldom."""
        ticker = self.standing
        if ticker is None or not self.is_stormy:
            return
        draw = self.world.rng.random()
        if draw < 0.003:
            self.world.tell(ticker.name, f"dies at {name}")
            raise Died(name)
        if name == "after_claim" and draw < 0.02:
            self._stand_still(ticker, self.world.rng.uniform(0.001, 0.05) if draw > 0.005 else 8.0)

    def before(self, name: str) -> None:
        """Lets others go on before a statement, or fails it, seldom."""
        if not self.is_stormy or (self.standing is None and name != "lock_schedule"):
            return
        draw = self.world.rng.random()
        if draw < 0.0005 and name != "lock_schedule":
            raise psycopg.OperationalError(f"{name} failed")
        if draw > 0.99 and name in ("skip_overlapping_runs", "find_overlapped_runs", "lock_schedule"):
            self.world.breathe(self.world.rng.uniform(0.001, 0.5))

    def is_answer_lost(self, owner: object) -> bool:
        """Whether the connection breaks after a ticker's commit."""
        return self.is_stormy and isinstance(owner, TickerProcess) and self.world.chance(0.003)

    def _stand_still(self, ticker: TickerProcess, seconds: float) -> None:
        self.world.tell(ticker.name, f"stands still for {seconds:.3f} with its rows locked")
        if seconds > 5:
            self.world.after(5, ticker.conn.unlock)
        self.world.breathe(seconds)
        if ticker.is_doomed:
            raise Died("killed while it stood still")

    # Waking.

    def notify(self) -> None:
        """The tickers' NOTIFY, which may get lost."""
        if not self.is_stormy or self.world.chance(0.99):
            for ticker in self.tickers:
                ticker.wake(self.world.rng.uniform(0.0005, 0.005), is_notified=True)
        else:
            self.stir(1.0)

    def stir(self, seconds: float) -> None:
        """The tickers look within so many seconds: the pass that they make at least once a second."""
        self.world.after(self.world.rng.uniform(0, seconds), self._wake_tickers)

    def stir_at(self, instant: datetime) -> None:
        """The tickers look within a second of the instant."""
        self.world.at(instant + timedelta(seconds=self.world.rng.uniform(0, 1)), self._wake_tickers)

    def _wake_tickers(self) -> None:
        for ticker in self.tickers:
            ticker.wake(0.0001)

    def boot_ticker_again(self, ticker: TickerProcess) -> Callable[[], None]:
        """What boots the ticker, unless all of them are to be away."""

        def boot() -> None:
            # One alone is enough, and takes half the time; the other is there a part of the time.
            if not self.is_away and (ticker is self.tickers[0] or self.world.chance(0.5)):
                ticker.boot()

        return boot

    # Leases.

    def let_run_out(self, row: ProcessRow) -> None:
        """The process's lease as its last beat left it."""
        left = LEASE_SECONDS * self.world.rng.uniform(0.75, 1)
        row.leased_until = self.world.now + timedelta(seconds=left)
        self.stir_at(row.leased_until + timedelta(seconds=0.1))
        self.stir_at(row.leased_until + timedelta(seconds=6))

    def keep(self, row: ProcessRow) -> None:
        """The process's lease extended from now on."""
        row.leased_until = INFINITY

    def claim(self, what: str, run: RunRow) -> None:
        """Keeps what an actor saw for the checker."""
        self.claims.append(Claim(what, run))

    # Messages.

    def _deliver(self, queue: str, pointers: Pointers) -> None:
        living = [worker for worker in self.workers if worker.is_alive]
        if living:
            self.world.rng.choice(living).hear(queue, pointers)

    def _tell_worker(self, run: RunRow) -> None:
        watcher = self.watchers.get(run.id)
        if watcher is not None:
            self.world.after(self.world.rng.uniform(0.3, 1.3), watcher)

    def _expect(self, run: RunRow) -> None:
        """Lets the workers look, as they do once a second, should the run still be queued two seconds from its release."""
        if "no_look" not in self.plants:
            released = run.released_at or self.world.now
            late = self.world.rng.uniform(2, 3.3)
            self.world.at(released + timedelta(seconds=late), partial(self._look_for, run, run.fence, 1.0))

    def _look_for(self, run: RunRow, fence: int, wait: float) -> None:
        if run.state == "queued" and run.fence == fence and run.id in self.store.open:
            for worker in self.workers:
                worker.look()
            self.world.after(
                self.world.rng.uniform(0.7, 1.3) * wait, partial(self._look_for, run, fence, min(600, 2 * wait))
            )
