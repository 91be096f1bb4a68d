"""A steady load: schedules whose slots come so evenly that a healthy system finishes as many runs in every second."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.definition import NewSchedule

_BACKOFF = {"baseSeconds": 0.2, "maxSeconds": 2}
_MIX = 10


@dataclass(frozen=True, slots=True)
class Load:
    """`rate` runs a second of `work_seconds` each, every schedule once in `interval_seconds`.

    Of a mixed load every tenth schedule mails and every tenth has an effect elsewhere. A herd has all its slots at one
    instant of the interval. `seconds` None: until it is paused.
    """

    name: str
    rate: float
    seconds: float | None = None
    work_seconds: float = 0.0
    interval_seconds: int = 5
    is_mixed: bool = True
    is_herd: bool = False
    max_attempts: int = 60

    @property
    def count(self) -> int:
        """How many schedules it takes."""
        return max(1, round(self.rate * self.interval_seconds))

    def schedules(self, sink: str, starts_at: datetime) -> Iterator[NewSchedule]:
        """Its schedules, whose first slots lie in the first interval from `starts_at`."""
        ends_at = None if self.seconds is None else starts_at + timedelta(seconds=self.seconds)
        for number in range(self.count):
            kind = {1: "chaos.mail", 2: "chaos.call"}.get(number % _MIX if self.is_mixed else 0, "chaos.work")
            offset = 0 if self.is_herd else number * self.interval_seconds * 1000 // self.count
            yield NewSchedule(
                kind=kind,
                name=f"{self.name}-{number}",
                params={
                    "sink": sink,
                    "to": [f"{self.name}{number}@chaos.example"] if kind == "chaos.mail" else [],
                    "seconds": self.work_seconds,
                },
                interval_seconds=self.interval_seconds,
                interval_anchor=starts_at + timedelta(milliseconds=offset),
                starts_at=starts_at,
                ends_at=ends_at,
                misfire_policy="all",
                overlap_policy="allow",
                max_attempts=self.max_attempts,
                backoff=_BACKOFF,
                timeout_seconds=120,
            )
