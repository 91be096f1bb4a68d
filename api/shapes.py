"""Rows as the outside sees them: camelCase names, instants in UTC, sealed secrets struck out."""

from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from config.seal import is_sealed
from scheduler.slots import Slot

# What the contract calls by other names than the column's.
_NAMES = {
    "kind": "jobType",
    "params": "jobPayload",
    "cron": "cronExpression",
    "next_fire_at": "nextRunAt",
    "last_run_at": "lastRunAt",
}
# Ours alone: what the ticker keeps to plan by, and the tenant, whom the reader is.
_INNER = frozenset({"tenant_id", "plan_from"})


def schedule(row: NamedTuple) -> dict[str, Any]:
    """A schedule's row."""
    found = {_NAMES.get(name, to_camel(name)): value for name, value in row._asdict().items() if name not in _INNER}
    return found | {"jobPayload": _without_secrets(found["jobPayload"])}


def plain(row: NamedTuple) -> dict[str, Any]:
    """Any other row, and the rows within it."""
    return {to_camel(name): _plain(value) for name, value in row._asdict().items() if name not in _INNER}


def slots(found: list[Slot]) -> list[dict[str, Any]]:
    """Previewed slots."""
    return [{"at": slot.at, "local": slot.local, "dst": slot.dst} for slot in found]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return plain(value) if hasattr(value, "_asdict") else value


def _without_secrets(params: dict[str, Any]) -> dict[str, Any]:
    return {name: _shown(value) for name, value in params.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(each) for name, each in value.items()}
    return "***" if isinstance(value, str) and is_sealed(value) else value
