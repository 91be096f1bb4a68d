"""Ticker processes: the engine's own steps, driven as `scheduler.loop` drives them, and the ways in which they die."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db.pool import Database
from proof.simulator.seams import engine
from proof.simulator.world import Died
from scheduler.relay import Relay
from scheduler.settings import Settings
from scheduler.steps import Ticker
from telemetry.telling import Telling

if TYPE_CHECKING:
    from proof.simulator.system import System

LEASE_SECONDS: Final = 15.0
RETENTION_DAYS: Final = 90


class TickerProcess:
    """A ticker from its boot to its death, and its successors under the same name."""

    def __init__(self, system: "System", number: int) -> None:
        self.name = f"ticker {number}"
        self._system = system
        self._world = system.world
        self._pass_number = 0
        self._is_busy = False
        self.is_alive = False
        self.is_doomed = False
        self.passes = 0
        self.conn = system.connect(self)
        self._ticker: Ticker | None = None

    def boot(self) -> None:
        """A new process, unless one lives."""
        if self.is_alive:
            return
        self.is_alive, self.is_doomed = True, False
        ahead = self._system.ahead_seconds
        settings = Settings(Database.at(""), "", "live", LEASE_SECONDS, RETENTION_DAYS, ahead, None, None, Telling())
        self._ticker = Ticker(settings, Relay(self._system.redis), is_held=False)
        self.conn = self._system.connect(self)
        self._world.tell(self.name, "boots")
        self._plan_pass(0.01)

    def kill(self) -> None:
        """The process gone where it stands, with the rings that it kept."""
        if not self.is_alive:
            return
        if self._is_busy:
            self.is_doomed = True
            return
        self._world.tell(self.name, "dies")
        self.is_alive, self.is_doomed = False, False
        self.conn.unlock()
        self._pass_number += 1
        lease = self._ticker._lease if self._ticker else None  # noqa: SLF001  the process's row, whose lease now runs out
        if lease is not None and (row := self._system.store.processes.get(lease.process_id)) is not None:
            self._system.let_run_out(row)

    def stop(self) -> None:
        """The process ended by SIGTERM."""
        if self.is_alive and not self._is_busy and self._ticker is not None:
            self._ticker.stop(engine(self.conn))
            self.is_alive = False
            self._pass_number += 1
            self._world.tell(self.name, "stops")

    def wake(self, seconds: float, *, is_notified: bool = False) -> None:
        """Lets the next pass begin soon."""
        if self.is_alive:
            if is_notified and self._ticker is not None:
                self._ticker.woken()
            self._plan_pass(seconds)

    def _plan_pass(self, seconds: float) -> None:
        self._pass_number += 1
        number = self._pass_number

        def begin() -> None:
            if number == self._pass_number and self.is_alive:
                self._pass()

        self._world.after(seconds, begin)

    def _sleep(self, ticker: Ticker) -> float:
        """Seconds until something is due; or, by the pass that the loop makes each second, comes near enough to be made."""
        wait = ticker.next_due(engine(self.conn)) + 0.00002
        if not self._system.ahead_seconds:
            return wait
        horizon = self._world.now + timedelta(seconds=self._system.ahead_seconds)
        far = (row.next_fire_at for row in self._system.store.active() if row.next_fire_at and row.overlap == "allow")
        nearest = min((at for at in far if at > horizon), default=None)
        if nearest is None:
            return wait
        return min(wait, (nearest - horizon).total_seconds() + self._world.rng.random())

    def _pass(self) -> None:
        """One pass as in loop.run: the steps, and how long to sleep when none did anything."""
        ticker = self._ticker
        if self._is_busy or ticker is None:
            return
        self._is_busy = True
        self.passes += 1
        was, self._system.standing = self._system.standing, self
        number = self._pass_number
        wait = 0.2
        try:
            did = sum([step(engine(self.conn)) for step in ticker.steps()])
            wait = 0.001 if did else self._sleep(ticker)
        except Died:
            self.is_doomed = True
        except Exception as error:  # noqa: BLE001  as in the loop: the next pass begins on a new connection
            self._world.tell(self.name, f"fails: {type(error).__name__}: {error}")
            self.conn.unlock()
            self.conn = self._system.connect(self)
        finally:
            self._is_busy = False
            self._system.standing = was
        if self.is_doomed:
            self.kill()
            self._world.after(self._world.rng.uniform(0.5, 60), self._system.boot_ticker_again(self))
        elif number == self._pass_number:
            self._plan_pass(wait)
        else:
            self._plan_pass(0.005)
