"""Tenants: whose schedules they are. Without TOCSIN_HOSTING there is one, made when it is first used."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from api.definitions import Line
from api.refusals import of_model, refuse
from config.zones import BadZone, zone
from db.jsonb import Jsonb
from db.pool import Connection
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken, NotFound, WrongState
from scheduler.schedules import ScheduleFilter
from workers.channels.email import mailbox, sender_of

DEFAULT = "default"
SUSPENDED = "the tenant is suspended"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_COLOR = re.compile(r"#[0-9a-f]{6}")
_MANY = 1_000_000
_LONGEST_NAME, _LONGEST_FOOTER, _MOST_LINES = 100, 500, 10


def _zone(name: str) -> str:
    try:
        zone(name)
    except BadZone as error:
        raise ValueError(str(error).removeprefix("timezone ")) from None
    return name


def _sender(text: str) -> str:
    try:
        sender_of(text)
    except ValueError:
        raise ValueError("takes an address such as Acme <reports@acme.example>") from None
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text.lower()):
        raise ValueError("takes a domain such as example.com")
    return text.lower()


def _origin(text: str) -> str:
    parts = urlsplit(text.lower())
    try:
        place = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        place = None
    if text.lower() != f"https://{place}" or not _DOMAIN.fullmatch(parts.hostname or ""):
        raise ValueError("takes an origin such as https://example.com, without a path")
    return text.lower()


def _color(text: str) -> str:
    if not _COLOR.fullmatch(text.lower()):
        raise ValueError("takes a colour as #rrggbb, such as #1d4ed8")
    return text.lower()


def _short(line: str) -> str:
    if len(line) > _LONGEST_NAME:
        raise ValueError(f"takes one line of at most {_LONGEST_NAME} characters")
    return line


def _lines(text: str) -> str:
    lines = [line.rstrip(" ") for line in text.replace("\r\n", "\n").strip().split("\n")]
    is_short = len(text) <= _LONGEST_FOOTER and len(lines) <= _MOST_LINES
    if not any(lines) or not is_short or not all(line.isprintable() for line in lines):
        raise ValueError(f"takes at most {_LONGEST_FOOTER} printable characters in one to {_MOST_LINES} lines")
    return "\n".join(lines)


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Quotas(_Model):
    """How much a tenant may have; null is no limit."""

    schedules: Annotated[int, Field(strict=True, ge=0, le=_MANY)] | None = None
    sources: Annotated[int, Field(strict=True, ge=0, le=_MANY)] | None = None
    members: Annotated[int, Field(strict=True, ge=0, le=_MANY)] | None = None
    requests_per_minute: Annotated[int, Field(strict=True, ge=1, le=_MANY)] | None = None
    ai_daily_tokens: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000_000)] | None = Field(
        None, description="what models may read and write for it on a day, in UTC"
    )
    ai_daily_cost: Annotated[float, Field(ge=0, le=_MANY, allow_inf_nan=False)] | None = Field(
        None, description="what that may cost, in dollars"
    )
    ai_run_tokens: Annotated[int, Field(strict=True, ge=0, le=_MANY)] | None = None
    ai_run_cost: Annotated[float, Field(ge=0, le=_MANY, allow_inf_nan=False)] | None = None


class Branding(_Model):
    """How the tenant's mail looks. No logo: a picture from elsewhere tells its server who reads the mail, and when."""

    name: Annotated[Line, AfterValidator(_short)] | None = None
    color: Annotated[str, AfterValidator(_color)] | None = None
    footer: Annotated[str, AfterValidator(_lines)] | None = None


class Settings(_Model):
    """What holds for all that a tenant has; the quotas are the operator's to set."""

    default_timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    sender: Annotated[Line, AfterValidator(_sender)] | None = Field(None, description="the sender of the tenant's mail")
    reply_to: Annotated[Line, AfterValidator(_sender)] | None = None
    recipient_domains: Annotated[list[Annotated[str, AfterValidator(_domain)]], Field(max_length=200)] = Field(
        default_factory=list, description="set, mail to any other domain is recorded `suppressed`"
    )
    notices_to: Annotated[list[Annotated[str, AfterValidator(mailbox)]], Field(min_length=1, max_length=20)] | None = (
        Field(None, description="who is told in place of the admins of what goes wrong")
    )
    link_origins: Annotated[list[Annotated[str, AfterValidator(_origin)]], Field(max_length=50)] = Field(
        default_factory=list, description="where links in reports that a model wrote may lead, besides TOCSIN_URL"
    )
    branding: Branding = Field(default_factory=Branding)
    quotas: Quotas = Field(default_factory=Quotas)


class Locked(NamedTuple):
    """The row is the caller's."""

    id: UUID


class Tenant(NamedTuple):
    """A tenant's row."""

    id: UUID
    slug: str
    name: str
    status: str
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_tenant", Tenant)
LOCK = Query("lock_tenant", Locked)
GET = Query("get_tenant", Tenant)
LIST = Query("list_tenants", Tenant)
UPDATE = Query("update_tenant")
SET_STATUS = Query("set_tenant_status")


def create(conn: Connection, slug: str, name: str | None = None) -> Tenant:
    """The tenant made. Raises BadDefinition, NameTaken."""
    if not _SLUG.fullmatch(slug):
        raise refuse("slug", "takes up to 63 lower-case letters, digits and hyphens, and begins with no hyphen")
    _check_name(name)
    made = INSERT.one(conn, slug=slug, name=name or slug)
    if made is None:
        raise NameTaken(f"there is a tenant {slug} already")
    return made


def get(conn: Connection, slug: str) -> Tenant:
    """The tenant of that slug. Raises NotFound."""
    found = GET.one(conn, slug=slug)
    if found is None:
        raise NotFound(f"there is no tenant {slug!r}; `tocsin tenants create` makes one")
    return found


def locked(conn: Connection, slug: str) -> Tenant:
    """The tenant, locked for the caller's transaction. Raises NotFound."""
    LOCK.one(conn, slug=slug)
    return get(conn, slug)


def default(conn: Connection) -> Tenant:
    """The default tenant, made now if this is its first use."""
    return GET.one(conn, slug=DEFAULT) or INSERT.one(conn, slug=DEFAULT, name="Default") or get(conn, DEFAULT)


def list_all(
    conn: Connection,
    *,
    status: str | None = None,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 1000,
) -> list[Tenant]:
    """The tenants, newest first: the operator's view."""
    return LIST.all(conn, status=status, before_at=before[0], before_id=before[1], room=limit)


def settings_of(row: Tenant) -> Settings:
    """The tenant's settings, defaults filled in."""
    return Settings.model_validate(row.settings)


def edit(conn: Connection, slug: str, *, name: str | None = None, settings: Mapping[str, Any] | None = None) -> Tenant:
    """The tenant with its name and the settings given changed, the others left. Raises NotFound, BadDefinition."""
    row = locked(conn, slug)
    _check_name(name)
    UPDATE.run(conn, id=row.id, name=name or row.name, settings=Jsonb(_merged(row, settings or {})))
    return get(conn, slug)


def suspend(conn: Connection, slug: str) -> Tenant:
    """The tenant suspended: its schedules are paused and its tokens open nothing. Raises NotFound, WrongState."""
    row = locked(conn, slug)
    if row.status == "suspended":
        raise WrongState("the tenant is suspended already")
    for each in schedules.list_all(conn, row.id, ScheduleFilter(status="active"), limit=_MANY):
        schedules.pause(conn, row.id, each.id, SUSPENDED)
    SET_STATUS.run(conn, id=row.id, status="suspended")
    return get(conn, slug)


def reinstate(conn: Connection, slug: str) -> Tenant:
    """The tenant active again, and the schedules with it that its suspension paused. Raises NotFound, WrongState."""
    row = locked(conn, slug)
    if row.status == "active":
        raise WrongState("the tenant is active")
    for each in schedules.list_all(conn, row.id, ScheduleFilter(status="paused"), limit=_MANY):
        if each.pause_note == SUSPENDED:
            schedules.resume(conn, row.id, each.id)
    SET_STATUS.run(conn, id=row.id, status="active")
    return get(conn, slug)


def _check_name(name: str | None) -> None:
    if name is not None and (not name.isprintable() or not name.strip() or len(name) > 200):
        raise refuse("name", "takes one line of at most 200 printable characters")


def _merged(row: Tenant, given: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**row.settings, **given}
    for part in ("branding", "quotas"):
        if isinstance(given.get(part), dict):
            whole[part] = {**row.settings.get(part, {}), **given[part]}
    whole = {name: value for name, value in whole.items() if value is not None}
    try:
        return Settings.model_validate(whole).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    except ValidationError as error:
        raise of_model(error, "settings") from None
