"""What befalls the processes and the stores: deaths, stalls, drains, outages, lost and old messages."""

from datetime import timedelta
from typing import Final

from proof.simulator.system import DAY, System

_PER_YEAR: Final = {
    "kill_worker": 80,
    "stall_worker": 40,
    "drain_worker": 40,
    "kill_ticker": 60,
    "stop_ticker": 20,
    "all_tickers_away": 10,
    "all_workers_away": 8,
    "flush_redis": 30,
    "restore_redis": 20,
    "redis_away": 20,
}


class Nemesis:
    """Faults at random instants until `ends`; each ends by itself."""

    def __init__(self, system: System, per_year: float = 1.0) -> None:
        self._system = system
        self._world = system.world
        self._rate = sum(_PER_YEAR.values()) * per_year / (365 * DAY)
        self.faults = 0

    def begin(self) -> None:
        """Lets the first fault come."""
        self._world.after(self._world.rng.expovariate(self._rate), self._strike)

    def _strike(self) -> None:
        if not self._system.is_stormy:
            return
        name = self._world.rng.choices(list(_PER_YEAR), list(_PER_YEAR.values()))[0]
        self.faults += 1
        self._world.tell("nemesis", name)
        getattr(self, f"_{name}")()
        self.begin()

    def _kill_worker(self) -> None:
        worker = self._world.rng.choice(self._system.workers)
        worker.kill()
        self._world.after(self._world.rng.uniform(0.5, 60), worker.boot)

    def _stall_worker(self) -> None:
        self._world.rng.choice(self._system.workers).stall(self._world.rng.choice((3, 12, 16, 20, 60, 900)))

    def _drain_worker(self) -> None:
        worker = self._world.rng.choice(self._system.workers)
        worker.drain()
        self._world.after(self._world.rng.uniform(0.5, 10), worker.boot)

    def _kill_ticker(self) -> None:
        ticker = self._world.rng.choice(self._system.tickers)
        ticker.kill()
        self._world.after(self._world.rng.uniform(0.5, 60), self._system.boot_ticker_again(ticker))

    def _stop_ticker(self) -> None:
        ticker = self._world.rng.choice(self._system.tickers)
        ticker.stop()
        self._world.after(self._world.rng.uniform(0.5, 60), self._system.boot_ticker_again(ticker))

    def _all_tickers_away(self) -> None:
        self._system.is_away = True
        for ticker in self._system.tickers:
            ticker.kill()
        days = self._world.rng.choice((0.02, 0.1, 0.5, 1.5, 4.0, 12.0))
        self._world.after(days * DAY, self.end_outage)

    def end_outage(self) -> None:
        """Every ticker boots."""
        self._system.is_away = False
        for ticker in self._system.tickers:
            self._world.after(self._world.rng.uniform(0, 5), self._system.boot_ticker_again(ticker))

    def _all_workers_away(self) -> None:
        hours = self._world.rng.choice((0.1, 1, 6, 30))
        for worker in self._system.workers:
            worker.kill()
            self._world.at(self._world.now + timedelta(hours=hours), worker.boot)

    def _flush_redis(self) -> None:
        self._system.redis.flush()

    def _restore_redis(self) -> None:
        self._system.redis.restore()

    def _redis_away(self) -> None:
        self._system.redis.is_away = True
        self._world.after(self._world.rng.choice((1, 30, 600, 7200)), self.end_redis_outage)

    def end_redis_outage(self) -> None:
        """Redis answers again."""
        self._system.redis.is_away = False
