"""One simulation from its seed: the storm, the calm in which everything comes to its end, and the verdict."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from proof.simulator.check import Violation, check
from proof.simulator.made_up import new_days
from proof.simulator.nemesis import Nemesis
from proof.simulator.people import CALENDAR, People
from proof.simulator.rows import CalendarRow, LimitRow
from proof.simulator.seams import installed
from proof.simulator.system import DAY, System
from proof.simulator.world import World

START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_CALM_DAYS = 5


@dataclass(slots=True)
class Report:
    """What a simulation was and how it ended; equal seeds give equal hashes."""

    seed: int
    years: float
    schedules: int
    slots: int
    runs: int
    events: int
    faults: int
    trace_hash: str
    seconds: float
    did: dict[str, int]
    violations: list[Violation] = field(default_factory=list)
    traces: dict[str, list[str]] = field(default_factory=dict)

    @property
    def years_per_second(self) -> float:
        """Virtual years simulated in a second of this machine."""
        return self.years / self.seconds if self.seconds else 0.0


def simulate(
    seed: int,
    years: float = 1.0,
    schedules: int = 10,
    *,
    plants: frozenset[str] = frozenset(),
    faults: float = 1.0,
    has_limits: bool = False,
    has_calendar: bool = False,
) -> Report:
    """The report of a simulation. `plants` names bugs to be planted in the model, `faults` scales how many befall it.

    With limits, two runs of the tenant are out at once at most, and of half of its schedules one a minute. With
    a calendar, two of three schedules keep it, and its days change.
    """
    began = time.perf_counter()
    world = World(seed, START)
    system = System(world, ahead_seconds=20.0 * (seed % 2), plants=plants)
    if has_limits:
        system.store.limits |= {"tenant": LimitRow(max_running=2), "host:api.example.com": LimitRow(max_per_minute=1)}
    if has_calendar:
        system.store.calendars[CALENDAR] = CalendarRow(new_days(world))
    people, nemesis = People(system, schedules), Nemesis(system, faults)
    with installed(world, system):
        system.boot()
        people.begin()
        nemesis.begin()
        world.run(START + timedelta(days=365 * years))
        calm_down(system, people, nemesis)
    violations = check(system)
    return Report(
        seed,
        years,
        schedules,
        sum(len(tick.fires) + sum(skip[2] for skip in tick.skips) for tick in system.store.journal.ticks),
        len(system.store.runs),
        world.events,
        nemesis.faults,
        world.trace_hash,
        time.perf_counter() - began,
        people.did,
        violations,
        {each.subject: world.last(each.subject) for each in violations},
    )


def calm_down(system: System, people: People, nemesis: Nemesis) -> None:
    """No more faults and no more slots; what is open comes to its end, the longest back-off and outage included."""
    system.is_stormy = False
    system.redis.is_calm = True
    nemesis.end_redis_outage()
    nemesis.end_outage()
    for worker in system.workers:
        worker.boot()
    world = system.world
    world.run(world.now + timedelta(seconds=3600))
    people.pause_all()
    ends = world.now + timedelta(seconds=_CALM_DAYS * DAY)
    while system.store.open and world.now < ends:
        system.stir(1.0)
        world.run(world.now + timedelta(seconds=600))
    # A last look at gates and endings.
    for _ in range(30):
        system.stir(1.0)
        world.run(world.now + timedelta(seconds=5))
