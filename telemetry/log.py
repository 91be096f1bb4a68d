"""Log lines with event names: one JSON object a line, or plain text for a person."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class Events:
    """The log of one room: `events.info("run.finished", run_id=…)`. Fields are plain values, never secrets."""

    def __init__(self, room: str) -> None:
        self._logger = logging.getLogger(f"tocsin.{room}")

    def debug(self, event: str, **fields: Any) -> None:
        """Writes an event that matters only to someone who looks for it."""
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: Any) -> None:
        """Writes an event of normal work."""
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: Any) -> None:
        """Writes an event that Tocsin copes with by itself but that an operator may want to know."""
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, **fields: Any) -> None:
        """Writes an event that an operator must know; inside `except` the traceback goes with it."""
        has_traceback = sys.exc_info()[0] is not None
        self._logger.error(event, extra={"fields": fields}, exc_info=has_traceback)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.removeprefix("tocsin."),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        line = (
            f"{at} {record.levelname.lower():7} {record.name.removeprefix('tocsin.'):9} {record.getMessage()} {fields}"
        )
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def set_up(log_format: str, level: str) -> None:
    """Sends every log line to standard error in the format given (json or text)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tocsin").setLevel(level.upper())
    # Dramatiq reports each broken connection with a traceback; the broker's own events say it in a line.
    logging.getLogger("dramatiq").setLevel(logging.CRITICAL)
