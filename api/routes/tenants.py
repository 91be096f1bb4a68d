"""`/api/tenants`, the operator's, and `/api/tenant`, one's own."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, tenants
from api.definitions import Line
from api.paging import Cursor, Limit, Lower, page, place_of, room
from api.problems import answers, good
from api.refusals import refuse
from api.request import Admin, Change, Operator, OperatorReader, Reader, answer
from api.tenants import Tenant
from db.pool import Connection

router = APIRouter(tags=["tenants"], responses=answers(400, 401, 403, 404, 422, 429, 503))

TenantOut = shapes.model_of(Tenant, "Tenant")
TenantList = shapes.list_of(TenantOut, "TenantList")


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class TenantIn(_Body):
    """A tenant to be made."""

    slug: Annotated[str, Field(max_length=63)]
    name: Line | None = None


class TenantPatch(_Body):
    """What changes of a tenant; settings that are not named stay."""

    name: Line | None = None
    settings: dict[str, Any] | None = Field(
        None, description="out of defaultTimezone, sender, replyTo, recipientDomains, linkOrigins, branding, quotas"
    )


@router.get("/api/tenants", responses=good(200, TenantList))
def list_tenants(
    asking: OperatorReader,
    status: Annotated[Literal["active", "suspended"] | None, Lower, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Every tenant, newest first."""
    before = place_of(cursor, "tenants", None)
    with asking.listing() as conn:
        rows = tenants.list_all(conn, status=status, before=before, limit=room(limit))
    return answer(page(rows, limit, "tenants", None, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("/api/tenants", status_code=201, responses=good(201, TenantOut))
def create_tenant(asking: Operator, body: TenantIn) -> Response:
    """Makes a tenant."""

    def work(conn: Connection) -> Change:
        made = tenants.create(conn, body.slug, body.name)
        return _changed("created", None, made, status=201, location=f"/api/tenants/{made.slug}")

    return asking.writing(work)


@router.get("/api/tenants/{slug}", responses=good(200, TenantOut))
def get_tenant(asking: OperatorReader, slug: str) -> Response:
    """One tenant."""
    with asking.reading() as conn:
        return answer(shapes.plain(tenants.get(conn, slug)))


@router.patch("/api/tenants/{slug}", responses=good(200, TenantOut))
def edit_tenant(asking: Operator, slug: str, body: TenantPatch) -> Response:
    """Changes a tenant's name, settings and quotas."""

    def work(conn: Connection) -> Change:
        before = tenants.locked(conn, slug)
        return _changed("edited", before, tenants.edit(conn, slug, name=body.name, settings=body.settings))

    return asking.writing(work)


@router.post("/api/tenants/{slug}/suspend", responses=good(200, TenantOut, 409))
def suspend_tenant(asking: Operator, slug: str) -> Response:
    """Pauses its schedules and shuts its tokens out."""

    def work(conn: Connection) -> Change:
        return _changed("suspended", tenants.locked(conn, slug), tenants.suspend(conn, slug))

    return asking.writing(work)


@router.post("/api/tenants/{slug}/reinstate", responses=good(200, TenantOut, 409))
def reinstate_tenant(asking: Operator, slug: str) -> Response:
    """Ends its suspension, and resumes the schedules that it paused."""

    def work(conn: Connection) -> Change:
        return _changed("reinstated", tenants.locked(conn, slug), tenants.reinstate(conn, slug))

    return asking.writing(work)


@router.get("/api/tenant", responses=good(200, TenantOut))
def get_own_tenant(asking: Reader) -> Response:
    """The tenant that the caller is of."""
    with asking.reading() as conn:
        return answer(shapes.plain(tenants.get(conn, asking.caller.tenant_slug or "")))


@router.patch("/api/tenant", responses=good(200, TenantOut))
def edit_own_tenant(asking: Admin, body: TenantPatch) -> Response:
    """Changes the tenant's own name and settings; its quotas are the operator's to set."""
    if body.settings is not None and "quotas" in body.settings:
        raise refuse("settings.quotas", "are the operator's to set")
    slug = asking.caller.tenant_slug or ""

    def work(conn: Connection) -> Change:
        before = tenants.locked(conn, slug)
        return _changed("edited", before, tenants.edit(conn, slug, name=body.name, settings=body.settings))

    return asking.writing(work)


def _changed(
    what: str, before: Tenant | None, after: Tenant, *, status: int = 200, location: str | None = None
) -> Change:
    shape = shapes.plain(after)
    return Change(
        f"tenant.{what}", ("tenant", after.id), before and shapes.plain(before), shape, shape, status, location
    )
