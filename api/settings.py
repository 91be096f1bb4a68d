"""The web's settings, read once at its entry point."""

from dataclasses import dataclass

from config.environ import need_broker_url, read
from db.pool import Database


@dataclass(frozen=True, slots=True)
class Settings:
    """What a web process needs to know."""

    database: Database
    broker_url: str
    mode: str
    lease_seconds: float
    kinds: tuple[str, ...]
    port: int
    processes: int
    metrics_port: int | None
    metrics_token: str | None
    log_format: str
    log_level: str

    @classmethod
    def from_environ(cls) -> "Settings":
        """The settings of this process. Raises BadSetting."""
        value = read(
            (
                "TOCSIN_MODE",
                "TOCSIN_LEASE_SECONDS",
                "TOCSIN_KINDS",
                "PORT",
                "WEB_CONCURRENCY",
                "METRICS_PORT",
                "METRICS_TOKEN",
                "LOG_FORMAT",
                "LOG_LEVEL",
            )
        )
        return cls(
            database=Database.from_environ(),
            broker_url=need_broker_url(),
            mode=value["TOCSIN_MODE"],
            lease_seconds=value["TOCSIN_LEASE_SECONDS"],
            kinds=value["TOCSIN_KINDS"],
            port=value["PORT"],
            processes=value["WEB_CONCURRENCY"],
            metrics_port=value["METRICS_PORT"],
            metrics_token=value["METRICS_TOKEN"],
            log_format=value["LOG_FORMAT"],
            log_level=value["LOG_LEVEL"],
        )
