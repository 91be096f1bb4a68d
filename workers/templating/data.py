"""A template's context on its way into the child process: plain data alone, so there is no object to reach through."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

_DECIMAL, _INSTANT = "$decimal", "$instant"


def written(context: Mapping[str, Any]) -> Any:
    """Return the context as JSON holds it. Raises TypeError for anything but plain data."""
    return {name: _written(value) for name, value in context.items()}


def read(data: Any) -> dict[str, Any]:
    """Return the context that was written."""
    return dict(json.loads(json.dumps(data), object_hook=_read))


def _written(value: Any) -> Any:
    if value is None or type(value) in (str, bool, int):
        return value
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    if isinstance(value, datetime):
        return {_INSTANT: value.isoformat()}
    if isinstance(value, (list, tuple)):
        return [_written(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _written(each) for name, each in value.items()}
    raise TypeError(f"a context holds plain data, and no {type(value).__name__}")


def _read(found: dict[str, Any]) -> Any:
    if found.keys() == {_DECIMAL}:
        return Decimal(found[_DECIMAL])
    if found.keys() == {_INSTANT}:
        return datetime.fromisoformat(found[_INSTANT])
    return found
