"""A worker's settings, read once at its entry point."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.environ import TELLING, BadSetting, need_broker_url, read
from config.seal import Seal, SealError
from db.pool import Database
from telemetry.telling import Telling
from workers.chat import endpoint
from workers.chat.endpoint import Endpoint

AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker needs to know."""

    database: Database
    broker_url: str = field(repr=False)
    mode: str
    lease_seconds: float
    processes: int
    threads: int
    queues: tuple[str, ...]
    kinds: tuple[str, ...]
    egress_allow: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    files: Path | None
    artifact_url: str | None
    recipient_domains: tuple[str, ...]
    mail_url: str | None = field(repr=False)
    mail_from: str
    aws: Mapping[str, str | None] = field(repr=False)
    url: str | None
    chatbot: Endpoint | None
    seal: Seal
    metrics_port: int | None
    telling: Telling

    @classmethod
    def from_environ(cls) -> "Settings":
        """The settings of this process. Raises BadSetting."""
        value = read(
            (
                "TOCSIN_MODE",
                "TOCSIN_LEASE_SECONDS",
                "WORKER_PROCESSES",
                "WORKER_THREADS",
                "WORKER_QUEUES",
                "TOCSIN_KINDS",
                "TOCSIN_EGRESS_ALLOW",
                "TOCSIN_FILES",
                "ARTIFACT_URL",
                "TOCSIN_RECIPIENT_DOMAINS",
                "MAIL_URL",
                "MAIL_FROM",
                *AWS,
                *endpoint.SETTINGS,
                "TOCSIN_URL",
                "TOCSIN_SECRET_KEYS",
                "METRICS_PORT",
                *TELLING,
            )
        )
        try:
            seal = Seal(value["TOCSIN_SECRET_KEYS"])
        except SealError as error:
            raise BadSetting(str(error)) from None
        return cls(
            database=Database.from_environ(),
            broker_url=need_broker_url(),
            mode=value["TOCSIN_MODE"],
            lease_seconds=value["TOCSIN_LEASE_SECONDS"],
            processes=value["WORKER_PROCESSES"],
            threads=value["WORKER_THREADS"],
            queues=value["WORKER_QUEUES"],
            kinds=value["TOCSIN_KINDS"],
            egress_allow=value["TOCSIN_EGRESS_ALLOW"],
            files=value["TOCSIN_FILES"],
            artifact_url=value["ARTIFACT_URL"],
            recipient_domains=value["TOCSIN_RECIPIENT_DOMAINS"],
            mail_url=value["MAIL_URL"],
            mail_from=value["MAIL_FROM"],
            aws={name: value[name] for name in AWS},
            url=value["TOCSIN_URL"],
            chatbot=Endpoint.of(value),
            seal=seal,
            metrics_port=value["METRICS_PORT"],
            telling=Telling.of(value),
        )
