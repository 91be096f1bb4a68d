"""The ticker's settings, read once at its entry point."""

from dataclasses import dataclass

from config.environ import BadSetting, read
from db.pool import Database


@dataclass(frozen=True, slots=True)
class Settings:
    """What a ticker needs to know."""

    database: Database
    broker_url: str
    mode: str
    lease_seconds: float
    retention_days: int
    metrics_port: int | None
    log_format: str
    log_level: str

    @classmethod
    def from_environ(cls) -> "Settings":
        """The settings of this process. Raises BadSetting."""
        names = (
            "BROKER_URL",
            "REDIS_URL",
            "TOCSIN_MODE",
            "TOCSIN_LEASE_SECONDS",
            "TOCSIN_RETENTION_DAYS",
            "METRICS_PORT",
            "LOG_FORMAT",
            "LOG_LEVEL",
        )
        value = read(names)
        broker_url = value["BROKER_URL"] or value["REDIS_URL"]
        if broker_url is None:
            raise BadSetting("REDIS_URL is not set; it takes an address such as redis://host:6379/0 (or BROKER_URL)")
        return cls(
            database=Database.from_environ(),
            broker_url=broker_url,
            mode=value["TOCSIN_MODE"],
            lease_seconds=value["TOCSIN_LEASE_SECONDS"],
            retention_days=value["TOCSIN_RETENTION_DAYS"],
            metrics_port=value["METRICS_PORT"],
            log_format=value["LOG_FORMAT"],
            log_level=value["LOG_LEVEL"],
        )
