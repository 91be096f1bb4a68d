"""The web's settings, read once at its entry point."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from api import crew_default
from config.environ import TELLING, BadSetting, need_broker_url, read
from db.pool import Database
from telemetry.telling import Telling

_OIDC = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")


@dataclass(frozen=True, slots=True)
class Oidc:
    """The provider that people sign in with, and what we are to it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a web process needs to know."""

    database: Database
    broker_url: str = field(repr=False)
    mode: str
    lease_seconds: float
    kinds: tuple[str, ...]
    is_hosting: bool
    retention_days: int
    secret_keys: tuple[str, ...] = field(repr=False)
    jwt_secret: str | None = field(repr=False)
    egress_allow: tuple[IPv4Network | IPv6Network, ...]
    proxies: tuple[IPv4Network | IPv6Network, ...]
    files: Path | None
    artifact_url: str | None
    mail_hooks: Mapping[str, str] = field(repr=False)
    url: str | None
    oidc: Oidc | None
    crew_url: str | None = field(repr=False)
    crew_minutes: int
    port: int
    processes: int
    metrics_port: int | None
    metrics_token: str | None = field(repr=False)
    telling: Telling

    @classmethod
    def from_environ(cls) -> "Settings":
        """The settings of this process. Raises BadSetting."""
        value = read(
            (
                "TOCSIN_MODE",
                "TOCSIN_LEASE_SECONDS",
                "TOCSIN_KINDS",
                "TOCSIN_HOSTING",
                "TOCSIN_RETENTION_DAYS",
                "TOCSIN_SECRET_KEYS",
                "TOCSIN_EGRESS_ALLOW",
                "TOCSIN_PROXIES",
                "TOCSIN_FILES",
                "ARTIFACT_URL",
                "SUPABASE_JWT_SECRET",
                "MAIL_WEBHOOK_SECRET",
                "TOCSIN_URL",
                *_OIDC,
                "CREW_SCHEDULER_INTERVAL_MINUTES",
                "PORT",
                "WEB_CONCURRENCY",
                "METRICS_PORT",
                "METRICS_TOKEN",
                *TELLING,
            )
        )
        return cls(
            database=Database.from_environ(),
            broker_url=need_broker_url(),
            mode=value["TOCSIN_MODE"],
            lease_seconds=value["TOCSIN_LEASE_SECONDS"],
            kinds=value["TOCSIN_KINDS"],
            is_hosting=value["TOCSIN_HOSTING"] == "on",
            retention_days=value["TOCSIN_RETENTION_DAYS"],
            secret_keys=value["TOCSIN_SECRET_KEYS"],
            jwt_secret=value["SUPABASE_JWT_SECRET"],
            egress_allow=value["TOCSIN_EGRESS_ALLOW"],
            proxies=value["TOCSIN_PROXIES"],
            files=value["TOCSIN_FILES"],
            artifact_url=value["ARTIFACT_URL"],
            mail_hooks=value["MAIL_WEBHOOK_SECRET"],
            url=value["TOCSIN_URL"],
            oidc=_oidc(value),
            crew_url=crew_default.url_of_setting(),
            crew_minutes=value["CREW_SCHEDULER_INTERVAL_MINUTES"],
            port=value["PORT"],
            processes=value["WEB_CONCURRENCY"],
            metrics_port=value["METRICS_PORT"],
            metrics_token=value["METRICS_TOKEN"],
            telling=Telling.of(value),
        )


def _oidc(value: Mapping[str, Any]) -> Oidc | None:
    """The provider, where there is one. Raises BadSetting when it can't be used as it is set."""
    given = [name for name in _OIDC if value[name] is not None]
    if not given:
        return None
    # Without an address nobody is led back, and without a key no session begins.
    missing = [name for name in (*_OIDC, "TOCSIN_URL", "TOCSIN_SECRET_KEYS") if not value[name]]
    if missing:
        raise BadSetting(f"{missing[0]} is not set; {given[0]} is, and signing in needs both")
    return Oidc(*(value[name] for name in _OIDC))
