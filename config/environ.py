"""The settings table and the only reader of the environment.

Each process's `settings.py` picks the names that it needs; a malformed value or an unknown name that begins with
TOCSIN_ stops the process with one line that names the setting and what it takes, and never shows a secret.
"""

import ipaddress
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class BadSetting(ValueError):
    """A setting is missing or malformed; the message names it and what it takes."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: how its text is read, what it takes in words, and its default as text (None: not set)."""

    parse: Callable[[str], Any]
    takes: str
    default: str | None = None
    is_secret: bool = False


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or (parts.scheme != "file" and not parts.netloc):
            raise ValueError
        _ = parts.port  # raises ValueError when the port is not a number
        return text

    return parse


def _shown_url(text: str) -> str:
    parts = urlsplit(_url("http", "https")(text))
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    return text


def _store(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("file", "s3", "gs", "az") or parts.username or parts.query or parts.fragment:
        raise ValueError
    if (parts.scheme == "file") == bool(parts.netloc) or (parts.scheme == "file" and not parts.path.strip("/")):
        raise ValueError
    if ".." in parts.path.split("/"):
        raise ValueError
    return text


def _chat_url(text: str) -> str:
    return text if text == "anthropic://" else _url("https", "http", "anthropic", "anthropic+http")(text)


def _issuer(text: str) -> str:
    parts = urlsplit(_url("https", "http")(text))
    if parts.username or parts.query or parts.fragment:
        raise ValueError
    # What goes there in the clear opens everything: only this machine's own may.
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError
    return text


def is_loopback(host: str) -> bool:
    """True for this machine's own name and addresses."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _header(text: str) -> str:
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError
    return text


def _prices(text: str) -> tuple[Decimal, Decimal]:
    try:
        into, out = (Decimal(word) for word in _words(text))
    except InvalidOperation:
        raise ValueError from None
    if not (into.is_finite() and out.is_finite() and min(into, out) >= 0):
        raise ValueError
    return into, out


def _choice(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return parse


def _at_least(length: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) < length:
            raise ValueError
        return text

    return parse


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in _words(text))


def _folder(text: str) -> Path:
    if not Path(text).is_absolute() or ".." in Path(text).parts:
        raise ValueError
    return Path(text)


def _kinds(text: str) -> tuple[str, ...]:
    names = _words(text)
    if any(name.count(":") != 1 or not all(name.split(":")) for name in names):
        raise ValueError
    return names


def _hooks(text: str) -> dict[str, str]:
    found = dict(word.partition(":")[::2] for word in _words(text))
    if set(found) - {"mailgun", "resend", "sendgrid", "ses"} or not all(found.values()):
        raise ValueError
    return found


QUEUES = ("alerts", "reports", "ai", "calls", "default")
# A tenant's runs beyond the first few of a second wait here, behind those of everybody else.
CROWDS = tuple(f"{queue}.crowd" for queue in QUEUES)
"""The queues, first served first."""


def _queues(text: str) -> tuple[str, ...]:
    names = _words(text)
    if not names or set(names) - set(QUEUES):
        raise ValueError
    return names


FAULT = os.environ.get("FAULT", "")
"""What config/faults.py is to break, as a test asks for it; no setting."""

SETTINGS: dict[str, Setting] = {
    "DATABASE_URL": Setting(
        _url("postgres", "postgresql"), "an address such as postgresql://user:password@host:5432/name", is_secret=True
    ),
    "DATABASE_LISTEN_URL": Setting(
        _url("postgres", "postgresql"),
        "the address of Postgres itself when DATABASE_URL is a PgBouncer; LISTEN needs it",
        is_secret=True,
    ),
    "REDIS_URL": Setting(
        _url("redis", "rediss"), "an address such as redis://host:6379/0 or rediss://", is_secret=True
    ),
    "BROKER_URL": Setting(_url("redis", "rediss", "amqp", "amqps"), "a redis:// or amqp:// address", is_secret=True),
    "TOCSIN_URL": Setting(_url("http", "https"), "the public base address, such as https://tocsin.example.com"),
    "TOCSIN_TOKEN": Setting(_header, "an API token, as `tocsin tokens create` prints it", is_secret=True),
    "TOCSIN_MODE": Setting(_choice("live", "dry", "held"), "live, dry or held", "live"),
    "TOCSIN_HOSTING": Setting(_choice("on", "off"), "on (many tenants) or off (one default tenant)", "off"),
    "PORT": Setting(_whole(0, 65535), "a port from 0 to 65535", "8000"),
    "METRICS_PORT": Setting(_whole(0, 65535), "a port from 0 to 65535 (0: a free one)"),
    "METRICS_TOKEN": Setting(str, "the bearer token that opens /metrics on PORT", is_secret=True),
    "WEB_CONCURRENCY": Setting(_whole(1, 64), "a number of web processes from 1 to 64", "1"),
    "WORKER_PROCESSES": Setting(_whole(1, 64), "a number of processes from 1 to 64", "1"),
    "WORKER_THREADS": Setting(_whole(1, 1000), "a number of threads from 1 to 1000", "8"),
    "WORKER_QUEUES": Setting(_queues, "a list of queues out of " + ",".join(QUEUES), ",".join(QUEUES)),
    "TOCSIN_LEASE_SECONDS": Setting(_number(0.5, 3600), "a number of seconds from 0.5 to 3600", "15"),
    "TOCSIN_RETENTION_DAYS": Setting(_whole(1, 3650), "a number of days from 1 to 3650", "90"),
    "TOCSIN_AHEAD_SECONDS": Setting(_number(0, 60), "a number of seconds from 0 to 60", "20"),
    "TOCSIN_EGRESS_ALLOW": Setting(_networks, "address ranges such as 127.0.0.0/8,10.1.0.0/16", ""),
    "TOCSIN_PROXIES": Setting(_networks, "address ranges such as 10.0.0.0/8", ""),
    "TOCSIN_FILES": Setting(_folder, "an absolute path of a folder, such as /srv/tocsin/files"),
    "ARTIFACT_URL": Setting(
        _store, "file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix, without a password"
    ),
    "TOCSIN_RECIPIENT_DOMAINS": Setting(_words, "domains that may be mailed, such as example.com,example.org", ""),
    "TOCSIN_SECRET_KEYS": Setting(_words, "keys of 32 bytes in base64, newest first", "", is_secret=True),
    "TOCSIN_KINDS": Setting(_kinds, "a list of module:KIND names", ""),
    "SUPABASE_JWT_SECRET": Setting(
        _at_least(32), "the secret of at least 32 characters that tenant JWTs are signed with", is_secret=True
    ),
    "MAIL_URL": Setting(
        _url("smtp", "smtps", "file", "ses", "sendgrid", "mailgun", "resend"),
        "smtp://user:pass@host:587, smtps://, ses://region, sendgrid://KEY@, mailgun://KEY@domain, resend://KEY@ "
        "or file:///folder",
        is_secret=True,
    ),
    "MAIL_FROM": Setting(str, "the sender, such as Tocsin <tocsin@example.com>", "Tocsin <tocsin@localhost>"),
    "MAIL_WEBHOOK_SECRET": Setting(
        _hooks,
        "provider:secret, such as mailgun:KEY, resend:whsec_KEY, sendgrid:PUBLICKEY or ses:ARN of the SNS topic",
        "",
        is_secret=True,
    ),
    "AWS_ACCESS_KEY_ID": Setting(str, "the id of the access key that MAIL_URL=ses:// signs with"),
    "AWS_SECRET_ACCESS_KEY": Setting(str, "the secret of that access key", is_secret=True),
    "AWS_SESSION_TOKEN": Setting(str, "the session token of a temporary access key", is_secret=True),
    "CHATBOT_URL": Setting(
        _chat_url, "https://host/v1 of an OpenAI-compatible endpoint, anthropic:// or anthropic://host", is_secret=True
    ),
    "CHATBOT_MODEL": Setting(_at_least(1), "the model's name at that endpoint"),
    "CHATBOT_API_KEY": Setting(_header, "the key that opens that endpoint, of plain characters", is_secret=True),
    "CHATBOT_PRICES": Setting(_prices, "dollars for a million tokens in and out, such as 2.50,10"),
    "CREW_API_URL": Setting(
        _shown_url,
        "http://host/run-crew without a user or a query, what crews ask of tenants that made no endpoint",
        is_secret=True,
    ),
    "CREW_SCHEDULER_INTERVAL_MINUTES": Setting(_whole(1, 527_040), "a number of minutes from 1 to 527040", "60"),
    "OIDC_ISSUER": Setting(_issuer, "https://host/path of the provider, as its tokens name it"),
    "OIDC_CLIENT_ID": Setting(_header, "what the provider calls this installation, in plain characters"),
    "OIDC_CLIENT_SECRET": Setting(_header, "the secret that the provider gave us, in plain characters", is_secret=True),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Setting(_url("http", "https"), "http://host:4318, where an OTLP collector listens"),
    "OTEL_TRACES_SAMPLER_ARG": Setting(_number(0, 1), "the share of the runs to trace, from 0 to 1", "1"),
    "SENTRY_DSN": Setting(_url("http", "https"), "an address such as https://key@sentry.example/1", is_secret=True),
    "LOG_FORMAT": Setting(_choice("json", "text"), "json or text", "json"),
    "LOG_LEVEL": Setting(_choice("debug", "info", "warning", "error"), "debug, info, warning or error", "info"),
}


def read(names: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The parsed values of `names`, None where a setting without default is not set.

    Raises BadSetting when one is malformed or when the environment holds an unknown TOCSIN_ name.
    """
    found = os.environ if environ is None else environ
    for name in sorted(found):
        if name.startswith("TOCSIN_") and name not in SETTINGS:
            known = ", ".join(sorted(known for known in SETTINGS if known.startswith("TOCSIN_")))
            raise BadSetting(f"{name} is not a setting; those that begin with TOCSIN_ are {known}")
    return {name: _read_one(name, found) for name in names}


def need(name: str, environ: Mapping[str, str] | None = None) -> Any:
    """The parsed value of a setting that must be there. Raises BadSetting when it is missing or malformed."""
    value = read((name,), environ)[name]
    if value is None:
        raise BadSetting(f"{name} is not set; it takes {SETTINGS[name].takes}")
    return value


def need_broker_url() -> str:
    """The broker's address: BROKER_URL, or else REDIS_URL. Raises BadSetting when neither is set."""
    value = read(("BROKER_URL", "REDIS_URL"))
    url: str | None = value["BROKER_URL"] or value["REDIS_URL"]
    if url is None:
        raise BadSetting("REDIS_URL is not set; it takes an address such as redis://host:6379/0 (or BROKER_URL)")
    return url


TELLING = ("LOG_FORMAT", "LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG", "SENTRY_DSN")
"""What every process reads to know how it tells about itself."""


def variable(name: str) -> str | None:
    """What the environment has under a name that is no setting of ours, such as a secret that a stack's file names."""
    return os.environ.get(name)


METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_METRICS_PLACE = "METRICS_PLACE"


def metrics_folder() -> str | None:
    """The folder in which the processes of one group keep their metrics; None when this process is alone."""
    return os.environ.get(METRICS_FOLDER)


def share_metrics(folder: str) -> None:
    """Makes the processes started from here keep their metrics in `folder`, once each is given its place there."""
    os.environ[METRICS_FOLDER] = folder


def metrics_place() -> str | None:
    """This process's place among those that share the folder; None when it is alone, or keeps their folder."""
    return os.environ.get(_METRICS_PLACE) if metrics_folder() is not None else None


def place_of(number: int) -> dict[str, str]:
    """The environment of the process that takes a place in the folder; one at a time, the next once it has ended."""
    return os.environ | {_METRICS_PLACE: str(number)}


def _read_one(name: str, found: Mapping[str, str]) -> Any:
    setting = SETTINGS[name]
    text = found.get(name) or setting.default
    if text is None:
        return None
    try:
        return setting.parse(text)
    except ValueError:
        shown = "" if setting.is_secret else f", got {text!r}"
        raise BadSetting(f"{name} takes {setting.takes}{shown}") from None
