"""`/tenants`: the operator's list, and whose rooms the operator is in; `/settings`: a tenant's own."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from api.pages.forms import Form, Typed, Values, read_as
from api.pages.page import TENANT_COOKIE, AdminPage, OperatorPage, Page, told
from api.pages.route import pages
from api.problems import Refusal
from api.routes import tenants
from api.routes.tenants import TenantIn, TenantPatch
from config.zones import NAMES

router = pages("tenants")
_DAY = 86_400


@router.get("/tenants")
def list_tenants(page: OperatorPage, cursor: Annotated[str | None, Query(max_length=500)] = None) -> Response:
    """Every tenant, newest first."""
    return _list(page, cursor)


@router.post("/tenants")
def create_tenant(page: OperatorPage, form: Typed) -> Response:
    """Makes a tenant."""
    page.if_refused(lambda refusal: _list(page, None, form.typed(), refusal))
    made = told(tenants.create_tenant(page.asking, form.body(TenantIn)))
    return page.done("/tenants", f"The tenant {made['slug']} is made.")


@router.post("/tenants/{slug}/enter")
def enter_tenant(page: OperatorPage, slug: str) -> Response:
    """From now on the operator's pages are of this tenant."""
    found = told(tenants.get_tenant(page.asking, slug))
    response = page.done("/", f"You are in the tenant {found['slug']}.")
    response.set_cookie(TENANT_COOKIE, found["slug"], 30 * _DAY, path="/", secure=True, httponly=True, samesite="lax")
    return response


@router.post("/tenants/{slug}/suspend")
def suspend_tenant(page: OperatorPage, slug: str) -> Response:
    """Pauses its schedules and shuts its tokens out."""
    tenants.suspend_tenant(page.asking, slug)
    return page.done("/tenants", f"The tenant {slug} is suspended.")


@router.post("/tenants/{slug}/reinstate")
def reinstate_tenant(page: OperatorPage, slug: str) -> Response:
    """Ends its suspension."""
    tenants.reinstate_tenant(page.asking, slug)
    return page.done("/tenants", f"The tenant {slug} is reinstated.")


@router.get("/settings")
def show_settings(page: AdminPage) -> Response:
    """The tenant's own name and settings."""
    return _settings(page)


@router.post("/settings")
def save_settings(page: AdminPage, form: Typed) -> Response:
    """Changes them."""
    page.if_refused(lambda refusal: _settings(page, form.typed(), refusal))
    tenants.edit_own_tenant(page.asking, _patch(form))
    return page.done("/settings", "The settings are saved.")


def _list(page: Page, cursor: str | None, typed: Values | None = None, refusal: Refusal | None = None) -> Response:
    found = told(tenants.list_tenants(page.asking, cursor=cursor))
    return page.show("tenants/list.html.j2", found=found, typed=typed or Values(), refusal=refusal)


def _settings(page: Page, typed: Values | None = None, refusal: Refusal | None = None) -> Response:
    found = told(tenants.get_own_tenant(page.asking))
    # Not theirs to set, so nothing that they can send.
    quotas = found["settings"].pop("quotas", {})
    values = Values.of(found) if typed is None else typed
    return page.show(
        "tenants/settings.html.j2", found=found, quotas=quotas, values=values, zones=sorted(NAMES), refusal=refusal
    )


def _patch(form: Form) -> TenantPatch:
    """What was typed; where nobody is named, the admins are told."""
    body = form.raw()
    settings = body.get("settings")
    if isinstance(settings, dict) and settings.get("noticesTo") == []:
        settings["noticesTo"] = None
    return read_as(TenantPatch, body)
