"""How a process tells about itself: log, metrics, traces and bugs, begun and ended together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telemetry import errors, log, metrics, traces


@dataclass(frozen=True, slots=True)
class Telling:
    """Where log lines, traces and bugs go."""

    log_format: str = "text"
    log_level: str = "info"
    traces_url: str | None = None
    traced_share: float = 1.0
    sentry_dsn: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Telling":
        """What the settings of config.environ.TELLING say."""
        return cls(
            value["LOG_FORMAT"],
            value["LOG_LEVEL"],
            value["OTEL_EXPORTER_OTLP_ENDPOINT"],
            value["OTEL_TRACES_SAMPLER_ARG"],
            value["SENTRY_DSN"],
        )

    def begin(self, role: str, version: str) -> None:
        """Begins to tell, as a process of that role (web, ticker or worker). Raises BadSetting."""
        log.set_up(self.log_format, self.log_level)
        metrics.begin(version)
        traces.begin(self.traces_url, self.traced_share, role, version)
        errors.begin(self.sentry_dsn, role, version)


def end() -> None:
    """Sends what is not sent yet."""
    traces.end()
    errors.end()
