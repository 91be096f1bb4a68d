"""JSON as Tocsin writes it: instants in RFC 3339 with Z, exact decimals as strings, ids as strings."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

__all__ = ["Jsonb", "dumps", "loads", "rfc3339"]


def dumps(value: Any) -> str:
    """`value` as JSON text. Raises TypeError on what JSON cannot hold and ValueError on NaN and infinities."""
    return _ENCODER.encode(value)


def loads(text: str | bytes) -> Any:
    """The value of a JSON text, in UTF-8 when it is bytes. Raises ValueError."""
    return _DECODER.decode(text if isinstance(text, str) else text.decode())


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


# Made once: json.dumps makes one at each call that has options, and json.loads guesses the encoding of bytes; either
# takes longer than a small value does.
_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder()
