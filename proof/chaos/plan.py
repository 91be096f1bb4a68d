"""The schedules of a chaos run: what recurs how, whom it mails and how it treats overlap; drawn from the seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.definition import NewSchedule

SLOTS = 10
_BACKOFF = {"baseSeconds": 0.2, "maxSeconds": 2}
_ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
_KINDS = ("chaos.work", "chaos.work", "chaos.work", "chaos.mail", "chaos.call")
_OVERLAPS = ("allow", "allow", "allow", "skip", "queue")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much, how long and with which luck."""

    schedules: int
    seconds: float
    seed: int

    @property
    def interval_seconds(self) -> int:
        """So that each schedule has ten slots, or one a second where that is more."""
        return max(1, round(self.seconds / SLOTS))


def draw(scale: Scale, sink: str, starts_at: datetime) -> Iterator[NewSchedule]:
    """The schedules of this scale, each over after `scale.seconds`; a fifth mails, a fifth has an effect elsewhere."""
    chance = random.Random(scale.seed)
    ends_at = starts_at + timedelta(seconds=scale.seconds)
    step = scale.interval_seconds
    for number in range(scale.schedules):
        kind = chance.choice(_KINDS)
        overlap = chance.choice(_OVERLAPS)
        params = {
            "sink": sink,
            "to": [f"r{number}@chaos.example"] if kind == "chaos.mail" else [],
            "seconds": round(chance.uniform(0, 0.1), 3) if chance.random() < 0.1 else 0.0,
        }
        cron = _cron(step, chance) if chance.random() < 0.2 else None
        yield NewSchedule(
            kind=kind,
            name=f"chaos-{number}",
            params=params,
            cron=cron,
            interval_seconds=None if cron else step,
            interval_anchor=None if cron else starts_at + timedelta(milliseconds=chance.randrange(step * 1000)),
            timezone=chance.choice(_ZONES) if cron else "UTC",
            starts_at=starts_at,
            ends_at=ends_at,
            misfire_policy="all",
            overlap_policy=overlap,
            max_attempts=60,
            backoff=_BACKOFF,
            timeout_seconds=60,
        )


def _cron(step: int, chance: random.Random) -> str | None:
    """An expression that fires every `step` seconds, at a second and minute of its own; None where there is none."""
    if 60 % step == 0:
        return f"*/{step} * * * * *"
    minutes, rest = divmod(step, 60)
    if rest or minutes >= 60 or 60 % minutes:
        return None
    return f"{chance.randrange(60)} {chance.randrange(minutes)}-59/{minutes} * * * *"
