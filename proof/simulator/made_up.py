"""Definitions of schedules as people might give them, with a leaning to the nights when clocks turn."""

from datetime import timedelta
from random import Random
from typing import Any, Final

from proof.simulator.workers import NATURES
from proof.simulator.world import World
from scheduler.definition import NewSchedule
from scheduler.nights import FOLDS, GAPS

ZONES: Final = (
    "America/New_York",
    "Europe/Paris",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
)
CRONS: Final = (
    "30 2 * * *",
    "0 0 * * *",
    "45 23 * * *",
    "15 1,2,3 * * 0",
    "30 1 * * *",
    "0 9 * * 1-5",
    "*/20 1-2 * * 6,0",
    "0 */12 * * *",
    "30 */8 * * 0",
    "0 0 1 * *",
    "0 3 13 * 5",
    "10 4 * * 1",
    "5 0 L * *",
    "0 30 2 * * *",
)
_KINDS: Final = tuple(NATURES)


def new_schedule(world: World, number: int) -> NewSchedule:
    """A schedule to be made now."""
    rng = world.rng
    columns: dict[str, Any] = {"kind": _pick(rng, _KINDS, (60, 12, 20, 8)), "name": f"schedule {number}"}
    columns |= new_timing(world)
    columns["misfire_policy"] = rng.choice(("once", "all", "skip"))
    columns["misfire_grace_seconds"] = rng.choice((1, 60, 60, 3600))
    columns["misfire_limit"] = rng.choice((1, 3, 1000))
    columns["overlap_policy"] = rng.choice(("allow", "skip", "queue", "cancel_running"))
    columns["max_attempts"] = rng.choice((1, 3, 5))
    columns["timeout_seconds"] = 300 if columns["kind"] != "slow" else 4 * 3600
    columns["backoff"] = {"baseSeconds": 10, "maxSeconds": 3600}
    columns["queue"] = rng.choice(("default", "reports"))
    columns["jitter_seconds"] = rng.choice((0, 0, 0, 0, 30, 900))
    columns["max_runs"] = rng.choice((None, None, None, None, 1, 40))
    return NewSchedule(**columns)


def new_timing(world: World) -> dict[str, Any]:
    """One way to recur, its zone and nights, and seldom its bounds."""
    rng, now = world.rng, world.now
    columns: dict[str, Any] = {
        "timezone": rng.choice(ZONES),
        "dst_gap": rng.choice(GAPS),
        "dst_fold": rng.choice(FOLDS),
    }
    draw = rng.random()
    if draw < 0.8:
        columns["cron"] = rng.choice(CRONS)
    elif draw < 0.93:
        columns["interval_seconds"] = rng.choice((7, 6, 5, 3)) * 6 * 3600 + rng.choice((0, 0, 1))
    else:
        columns["scheduled_at"] = now + timedelta(seconds=rng.uniform(-3600, 90 * 86400))
    if rng.random() < 0.1:
        columns["starts_at"] = now + timedelta(seconds=rng.uniform(-1e6, 1e7))
    if rng.random() < 0.1:
        columns["ends_at"] = now + timedelta(seconds=rng.uniform(1e7, 8e7))
    return columns


def new_change(world: World) -> dict[str, Any]:
    """What an edit might say."""
    rng = world.rng
    draw = rng.random()
    if draw < 0.3:
        return {"cron": rng.choice(CRONS)}
    if draw < 0.5:
        return {"timezone": rng.choice(ZONES), "dst_gap": rng.choice(GAPS), "dst_fold": rng.choice(FOLDS)}
    if draw < 0.6:
        return {"jitter_seconds": rng.choice((0, 60, 900))}
    if draw < 0.7:
        return {"misfire_policy": rng.choice(("once", "all", "skip"))}
    if draw < 0.8:
        return {"overlap_policy": rng.choice(("allow", "skip", "queue", "cancel_running"))}
    if draw < 0.85:
        return {"interval_seconds": rng.choice((2, 3, 5)) * 6 * 3600}
    return {"params": {"number": rng.randrange(1000)}}


def new_days(world: World) -> list[dict[str, str]]:
    """Days on which nothing fires, of a year and more around now: one in eight, and some of them side by side."""
    first = world.now.date() - timedelta(days=30)
    days = [first + timedelta(days=number) for number in range(430) if world.chance(0.08)]
    days += [day + timedelta(days=1) for day in days if world.chance(0.5)]
    return [{"date": str(day), "name": "a holiday"} for day in sorted(set(days))]


def _pick(rng: Random, names: tuple[str, ...], weights: tuple[int, ...]) -> str:
    return rng.choices(names, weights)[0]
