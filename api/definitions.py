"""Schedules as people and programs define them: a body is read, checked to the last field, and stored or refused."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from api import crew_default, tenant_rules
from api.named import check_named
from api.recurrences import RecurrenceIn, told
from api.refusals import of_model, of_recurrence, refuse
from config.environ import QUEUES
from config.seal import Place, Seal, is_sealed
from db.jsonb import dumps
from db.pool import Connection
from db.sealed import params_place
from scheduler import schedules
from scheduler.definition import NewSchedule, Schedule
from scheduler.policy import Misfire
from scheduler.refusals import NameTaken
from scheduler.slots import BadRecurrence
from workers.kind import Kind
from workers.kinds import crew_call

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_A_TIME = "takes a time with its offset, such as 2026-03-29T01:00:00Z"


def read_time(value: Any) -> datetime:
    """The instant in UTC that an RFC 3339 text names. Raises ValueError on anything else, a naive time above all."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(_A_TIME) from None
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError(_A_TIME)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError(_A_TIME) from None


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _printable(value: Any) -> Any:
    if isinstance(value, str) and (not value.isprintable() or not value.strip()):
        raise ValueError("takes one line of printable characters")
    return value.strip() if isinstance(value, str) else value


def _storable(value: Any) -> Any:
    """Passes JSON that Postgres keeps: no NUL in a text, no infinite numbers, at most a megabyte."""
    try:
        text = dumps(value)
        json.dumps(json.loads(text), ensure_ascii=False).encode()  # a lone surrogate is JSON, but no text
    except (ValueError, TypeError, RecursionError):
        raise ValueError("takes JSON with finite numbers and valid text") from None
    if _NUL.search(text):
        raise ValueError("takes text without the character NUL")
    if len(text) > 1_000_000:
        raise ValueError("takes at most a megabyte of JSON")
    return value


def storable(value: dict[str, Any], pointer: str) -> dict[str, Any]:
    """The JSON object, if Postgres keeps it. Raises BadDefinition."""
    try:
        _storable(value)
    except ValueError as error:
        raise refuse(pointer, str(error)) from None
    return value


Time = Annotated[datetime, BeforeValidator(read_time)]
Words = BeforeValidator(_lower)
Line = Annotated[str, BeforeValidator(_printable), Field(min_length=1, max_length=200)]
Json = Annotated[dict[str, Any], BeforeValidator(_storable)]


def _whole(low: int, high: int) -> Any:
    return Field(strict=True, ge=low, le=high)


Within = Annotated[int, _whole(1, 2_592_000)]
DELIVER_WITHIN = "its owner is told when a slot is not delivered so long after it is due; null: nobody watches"


class Backoff(BaseModel):
    """The wait before the next attempt: at random below base * 2^(attempt - 1), and never more than the most."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    base_seconds: float = Field(10, gt=0, le=86400)
    max_seconds: float = Field(3600, gt=0, le=604800)


class ScheduleIn(BaseModel):
    """A schedule to be made: its kind with its params, and one of cronExpression, intervalSeconds, scheduledAt, recurrence."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )

    job_type: str
    job_payload: Json = Field(default_factory=dict)
    name: Line | None = None
    cron_expression: str | None = None
    interval_seconds: Annotated[int, Field(strict=True)] | None = None
    interval_anchor: Time | None = None
    scheduled_at: Time | None = None
    recurrence: RecurrenceIn | None = None
    timezone: str = "UTC"
    dst_gap: Annotated[Literal["end", "skip", "shift"], Words] = "end"
    dst_fold: Annotated[Literal["first", "second", "both"], Words] = "first"
    starts_at: Time | None = None
    ends_at: Time | None = None
    max_runs: Annotated[int, _whole(1, 2**62)] | None = None
    misfire_policy: Annotated[Misfire, Words] = "once"
    misfire_grace_seconds: Annotated[int, _whole(0, 31_536_000)] = 60
    misfire_limit: Annotated[int, _whole(1, 100_000)] = 1000
    overlap_policy: Annotated[Literal["skip", "queue", "allow", "cancel_running"], Words] = "skip"
    jitter_seconds: Annotated[int, _whole(0, 86_400)] = 0
    max_attempts: Annotated[int, _whole(1, 100)] = 5
    backoff: Backoff = Field(default_factory=Backoff)
    timeout_seconds: Annotated[int, _whole(1, 86_400)] | None = None
    unknown_delivery_policy: Annotated[Literal["resend", "hold"], Words] = "resend"
    priority: Annotated[int, _whole(0, 9)] = 5
    queue: Annotated[Literal[QUEUES], Words] | None = None  # type: ignore[valid-type]  # the names are there
    metadata: Json = Field(default_factory=dict)
    tags: Annotated[list[Line], Field(max_length=50)] = Field(default_factory=list)
    calendar_id: UUID | None = None
    deliver_within_seconds: Within | None = Field(None, description=DELIVER_WITHIN)

    @model_validator(mode="after")
    def _recurs_one_way(self) -> "ScheduleIn":
        given = [self.cron_expression, self.interval_seconds, self.scheduled_at, self.recurrence]
        if sum(value is not None for value in given) != 1:
            raise ValueError("takes exactly one of cronExpression, intervalSeconds, scheduledAt and recurrence")
        return self


def read_schedule(body: Mapping[str, Any]) -> ScheduleIn:
    """The body, read. Raises BadDefinition naming each field at fault."""
    try:
        return ScheduleIn.model_validate(body)
    except ValidationError as error:
        raise of_model(error) from None


def create_schedule(
    conn: Connection,
    tenant_id: UUID,
    body: ScheduleIn,
    *,
    kinds: Mapping[str, Kind],
    seal: Seal,
    retention_days: int,
    created_by: str | None = None,
    crew_url: str | None = None,
) -> Schedule:
    """The schedule that the body defines, made in one transaction with all that belongs to its kind.

    A crew that names no endpoint has the one at `crew_url`, where the tenant has none.
    Raises BadDefinition (then nothing is stored), NameTaken, and SealError when there is a secret but no key.
    """
    kind = kinds.get(body.job_type)
    if kind is None:
        raise refuse("jobType", f"there is no kind {body.job_type[:100]!r}; the kinds are {', '.join(sorted(kinds))}")
    if kind.made_at:
        raise refuse("jobType", f"schedules of {kind.name} are made at {kind.made_at}, with all that belongs to them")
    if kind.is_gated_only and body.overlap_policy == "allow":
        detail = f"takes skip, queue or cancel_running: {kind.name} keeps state from one run to the next"
        raise refuse("overlapPolicy", detail)
    params = read_params(kind, body.job_payload)
    check_named(conn, tenant_id, kind, params)
    if isinstance(params, crew_call.Params) and params.endpoints is None:
        crew_default.make(conn, tenant_id, crew_url)
    tenant_rules.check_room(conn, tenant_id, "schedules")
    if "timezone" not in body.model_fields_set:
        body = body.model_copy(update={"timezone": tenant_rules.default_timezone(conn, tenant_id)})
    schedule_id = uuid4()
    new = definition(body, kind, schedule_id)
    try:
        stored = sealed_params(kind, params, seal, params_place(tenant_id, schedule_id))
        return schedules.create(
            conn,
            tenant_id,
            schedule_id,
            replace(new, params=stored, uses=tuple(kind.uses(params))),
            retention_days=retention_days,
            created_by=created_by,
        )
    except BadRecurrence as error:
        raise of_recurrence(error) from None
    except NameTaken as error:
        if body.name is None:
            raise
        raise refuse("name", str(error)) from None


def read_params(kind: Kind, payload: Mapping[str, Any]) -> BaseModel:
    """The params of a kind, read. Raises BadDefinition naming each field at fault."""
    _refuse_sealed(payload, "params")
    try:
        return kind.Params.model_validate(payload)
    except ValidationError as error:
        raise of_model(error, "params") from None


def _refuse_sealed(value: Any, pointer: str) -> None:
    """Passes what holds no sealed text: one that we did not seal here would be taken for a secret that no key opens."""
    waiting = [(pointer, value)]
    while waiting:
        place, each = waiting.pop()
        if isinstance(each, str) and is_sealed(each):
            raise refuse(place, "takes the secret itself; it is sealed when it is stored")
        within = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        waiting += [(f"{place}.{name}", part) for name, part in within]


# The names of headers and the like whose values are credentials.
_TELLS_A_SECRET = re.compile("auth|cookie|token|secret|key|password|signature", re.IGNORECASE)


def sealed_params(kind: Kind, params: BaseModel, seal: Seal, place: Place) -> dict[str, Any]:
    """The params as they are stored: under their public names, with the kind's secrets sealed for this schedule."""
    return with_secrets(kind, params.model_dump(mode="json", by_alias=True), lambda secret: seal.seal(secret, place))


def with_secrets(kind: Kind, params: Mapping[str, Any], become: Callable[[str], str]) -> dict[str, Any]:
    """The params under their public names, with each of the kind's secrets as what it shall become."""
    found = dict(params)
    for field in kind.secret_fields:
        name = kind.Params.model_fields[field].alias or field
        match found.get(name):
            case str() as secret if secret:
                found[name] = become(secret)
            case dict() as named:
                found[name] = {
                    key: become(value) if _TELLS_A_SECRET.search(key) else value for key, value in named.items()
                }
    return found


def definition(body: ScheduleIn, kind: Kind, schedule_id: UUID) -> NewSchedule:
    """The schedule that a body defines, without its params."""
    return NewSchedule(
        kind=kind.name,
        name=body.name or f"{kind.name} {str(schedule_id)[:8]}",
        cron=body.cron_expression,
        interval_seconds=body.interval_seconds,
        interval_anchor=body.interval_anchor,
        scheduled_at=body.scheduled_at,
        recurrence=told(body.recurrence),
        timezone=body.timezone,
        dst_gap=body.dst_gap,
        dst_fold=body.dst_fold,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        misfire_policy=body.misfire_policy,
        misfire_grace_seconds=body.misfire_grace_seconds,
        misfire_limit=body.misfire_limit,
        overlap_policy=body.overlap_policy,
        jitter_seconds=body.jitter_seconds,
        max_runs=body.max_runs,
        max_attempts=body.max_attempts,
        backoff=body.backoff.model_dump(by_alias=True),
        timeout_seconds=kind.timeout_seconds if body.timeout_seconds is None else body.timeout_seconds,
        unknown_delivery_policy=body.unknown_delivery_policy,
        priority=body.priority,
        queue=body.queue or kind.queue,
        metadata=body.metadata,
        tags=tuple(body.tags),
        calendar_id=body.calendar_id,
        deliver_within_seconds=body.deliver_within_seconds,
    )
