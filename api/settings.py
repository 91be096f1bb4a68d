"""The web's settings, read once at its entry point."""

from dataclasses import dataclass

from config.environ import BadSetting, read
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
                "BROKER_URL",
                "REDIS_URL",
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
        broker_url = value["BROKER_URL"] or value["REDIS_URL"]
        if broker_url is None:
            raise BadSetting("REDIS_URL is not set; it takes an address such as redis://host:6379/0 (or BROKER_URL)")
        return cls(
            database=Database.from_environ(),
            broker_url=broker_url,
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
