"""The ticker's settings, read once at its entry point."""

from dataclasses import dataclass, field

from config.environ import TELLING, need_broker_url, read
from db.pool import Database
from telemetry.telling import Telling


@dataclass(frozen=True, slots=True)
class Settings:
    """What a ticker needs to know."""

    database: Database
    broker_url: str = field(repr=False)
    mode: str
    lease_seconds: float
    retention_days: int
    ahead_seconds: float
    artifact_url: str | None
    metrics_port: int | None
    telling: Telling

    @classmethod
    def from_environ(cls) -> "Settings":
        """The settings of this process. Raises BadSetting."""
        names = (
            "TOCSIN_MODE",
            "TOCSIN_LEASE_SECONDS",
            "TOCSIN_RETENTION_DAYS",
            "TOCSIN_AHEAD_SECONDS",
            "ARTIFACT_URL",
            "METRICS_PORT",
            *TELLING,
        )
        value = read(names)
        return cls(
            database=Database.from_environ(),
            broker_url=need_broker_url(),
            mode=value["TOCSIN_MODE"],
            lease_seconds=value["TOCSIN_LEASE_SECONDS"],
            retention_days=value["TOCSIN_RETENTION_DAYS"],
            ahead_seconds=value["TOCSIN_AHEAD_SECONDS"],
            artifact_url=value["ARTIFACT_URL"],
            metrics_port=value["METRICS_PORT"],
            telling=Telling.of(value),
        )
