"""JSON as Tocsin writes it: instants in RFC 3339 with Z, exact decimals as strings, ids as strings."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

__all__ = ["Jsonb", "dumps", "rfc3339"]


def dumps(value: Any) -> str:
    """`value` as JSON text. Raises TypeError on what JSON cannot hold and ValueError on NaN and infinities."""
    return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"))


def rfc3339(instant: datetime) -> str:
    """The instant in UTC with Z, with milliseconds only when it has any."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text.replace(".000Z", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (UUID, Decimal, date)):
        return str(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{type(value).__name__} is not JSON")
