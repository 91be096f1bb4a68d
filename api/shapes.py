"""Rows as the outside sees them: camelCase names, instants in UTC, sealed secrets struck out; and the models of that."""

import types
import typing
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, create_model
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
MASK = "***"


def schedule(row: NamedTuple) -> dict[str, Any]:
    """A schedule's row."""
    found = {_NAMES.get(name, to_camel(name)): value for name, value in row._asdict().items() if name not in _INNER}
    return found | {"jobPayload": without_secrets(found["jobPayload"])}


def plain(row: NamedTuple) -> dict[str, Any]:
    """Any other row, and the rows within it."""
    return {to_camel(name): _plain(value) for name, value in row._asdict().items() if name not in _INNER}


def moved_run(run: Any) -> dict[str, Any]:
    """What the audit log keeps of a run that somebody moved."""
    return {"state": run.state, "reason": run.reason, "fence": run.fence, "attempt": run.attempt}


def slots(found: list[Slot]) -> list[dict[str, Any]]:
    """Previewed slots."""
    return [{"at": slot.at, "local": slot.local, "dst": slot.dst} for slot in found]


def model_of(row: type[NamedTuple], name: str, *, is_schedule: bool = False, **more: Any) -> type[BaseModel]:
    """The model of what `plain` makes of a row (or `schedule`), for OpenAPI; `more` are fields beside the row's."""
    return _model(row, name, is_schedule, tuple(more.items()))


@cache
def _model(row: type[NamedTuple], name: str, is_schedule: bool, more: tuple[tuple[str, Any], ...]) -> type[BaseModel]:  # noqa: FBT001  as `model_of` took it
    fields: dict[str, Any] = {}
    for column, hint in typing.get_type_hints(row).items():
        if column not in _INNER:
            shown = _NAMES.get(column, to_camel(column)) if is_schedule else to_camel(column)
            fields[shown] = (_shown_type(hint), ...)
    config = ConfigDict(json_schema_serialization_defaults_required=True)
    model: type[BaseModel] = create_model(name, __config__=config, __doc__=row.__doc__, **fields, **dict(more))
    return model


def list_of(item: Any, name: str) -> type[BaseModel]:
    """The model of a page of such items."""
    model: type[BaseModel] = create_model(
        name,
        __doc__="A page; `nextCursor` leads to the next one.",
        items=(list[item], ...),
        nextCursor=(str | None, ...),
    )
    return model


def _shown_type(hint: Any) -> Any:
    """The type as JSON shows it: exact decimals are strings, rows within are models of their own."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.Union[tuple(_shown_type(part) for part in typing.get_args(hint))]  # noqa: UP007  made of parts
    if typing.get_origin(hint) is list:
        return list[_shown_type(typing.get_args(hint)[0])]  # type: ignore[misc]  # made while running
    if isinstance(hint, type) and hasattr(hint, "_fields"):
        return model_of(hint, hint.__name__)
    return str if hint is Decimal else hint


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return plain(value) if hasattr(value, "_asdict") else value


def without_secrets(params: dict[str, Any]) -> dict[str, Any]:
    """The JSON object with each sealed text in it struck out."""
    return {name: _shown(value) for name, value in params.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(each) for name, each in value.items()}
    return MASK if isinstance(value, str) and is_sealed(value) else value
