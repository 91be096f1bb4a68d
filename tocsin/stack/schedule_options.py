"""What the schedule of an alert, a pulse or a report was given by an edit of its own: the rest of what a schedule has.

When such a row recurs is its own body's. `scheduleOptions` are what only its schedule knows: they stay unless a file names
them, and a file that does names all of them, so that what it leaves out is as the row itself would make it.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from api import edits, shapes
from api.definitions import ScheduleIn
from api.nouns import Noun
from scheduler import schedules
from scheduler.schedules import ScheduleFilter
from tocsin.stack.names import Fields
from tocsin.stack.sections import MOST, Change, Make, Means, Retire, Section, of_noun

OPTIONS = "scheduleOptions"
_FIELDS = (
    "dst_gap", "dst_fold", "starts_at", "ends_at", "max_runs", "misfire_policy", "misfire_grace_seconds", "misfire_limit",
    "overlap_policy", "jitter_seconds", "max_attempts", "backoff", "timeout_seconds", "unknown_delivery_policy", "priority",
    "queue", "metadata",
)  # fmt: skip
# Null: as the kind has them.
_OF_KIND = ("timeout_seconds", "queue")


def of_timed_noun(
    word: str,
    noun: Noun[Any],
    body: type[BaseModel],
    create: Make,
    change: Change,
    delete: Retire,
    *,
    kinds: tuple[str, ...],
    without_options: tuple[str, ...] = (),
    defaults: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
    left: tuple[str, ...] = (),
    **more: Any,
) -> Section:
    """The section of a noun whose rows have a schedule of their own, with what only that schedule knows.

    `defaults` are what the noun gives its schedules otherwise than schedules have it; `beside` are fields of the
    schedule that other nouns have in their own bodies, as pydantic takes them.
    """
    options = _options([name for name in _FIELDS if name not in without_options], defaults or {})
    names = [str(each.alias) for each in options.model_fields.values()]
    fields: dict[str, Any] = {**(beside or {}), "schedule_options": (options | None, None)}
    whole = create_model(body.__name__, __base__=body, **fields)
    own = (OPTIONS, *(to_camel(name) for name in beside or {}))
    schedule_of = more["schedule_of"]

    def _edited(means: Means, row: Any, given: Fields) -> Any:
        if not given:
            return row
        patch = {**(given.get(OPTIONS) or {}), **{name: each for name, each in given.items() if name != OPTIONS}}
        _edit(means, schedule_of(row), patch)
        return noun.get(means.conn, means.tenant, row.id)

    def made(means: Means, given: Fields) -> Any:
        row = create(means, {name: value for name, value in given.items() if name not in own})
        return _edited(means, row, {name: given[name] for name in own if given.get(name) is not None})

    def changed(means: Means, row: Any, changes: Fields, given: Fields) -> Any:
        rest = {name: value for name, value in changes.items() if name not in own}
        after = change(means, row, rest, given) if rest else row
        return _edited(means, after, {name: changes[name] for name in own if name in changes})

    def besides(means: Means) -> dict[UUID, Fields]:
        return _said(means, kinds, names, [name for name in own if name != OPTIONS])

    return of_noun(word, noun, whole, made, changed, delete, left=(*left, OPTIONS), besides=besides, **more)


def _options(names: list[str], defaults: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name in names:
        info = ScheduleIn.model_fields[name]
        default: Any = defaults.get(name, info.default)
        if info.default_factory is not None:
            default = Field(default_factory=info.default_factory)
        fields[name] = (Annotated[(info.annotation, *info.metadata, Field())], default)
    return create_model(
        "ScheduleOptions",
        __config__=ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid"),
        __doc__="What its schedule has besides when it recurs; what is left out is as the row itself makes it.",
        **fields,
    )


def _said(means: Means, kinds: tuple[str, ...], names: list[str], beside: list[str]) -> dict[UUID, Fields]:
    """By schedule what it says of these fields."""
    found: dict[UUID, Fields] = {}
    for name in kinds:
        for row in schedules.list_all(means.conn, means.tenant, ScheduleFilter(kind=name), limit=MOST):
            shown = shapes.schedule(row)
            for column in _OF_KIND:
                if shown[to_camel(column)] == getattr(means.kinds[name], column):
                    shown[to_camel(column)] = None
            found[row.id] = {OPTIONS: {each: shown[each] for each in names}} | {each: shown[each] for each in beside}
    return found


def _edit(means: Means, schedule_id: UUID, patch: Fields) -> None:
    kind = means.kinds[schedules.get(means.conn, means.tenant, schedule_id).kind]
    for column in _OF_KIND:
        if patch.get(to_camel(column), 0) is None:
            patch[to_camel(column)] = getattr(kind, column)
    edits.edit_schedule(means.conn, means.tenant, schedule_id, patch, kinds=means.kinds, seal=means.seal)
