"""Ticks of pulses that come from outside: one of a tenant, and of all tenants at once, each by a token of its own.

Nobody needs them while a ticker runs. They plan what is due as a ticker does, so a slot still gets one run.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from api import jwts, tenants
from api.request import Asked
from api.tenants import Tenant
from db.pool import Connection
from scheduler import asked, schedules
from scheduler.refusals import WrongState
from workers.addresses import Forbidden
from workers.http import Client, HttpError, origin
from workers.kinds import pulse_report

AT_ONCE = 8
TIMEOUT_SECONDS = 20.0
# Of the whole dispatch: whoever asked waits for it, and asks again at its next turn.
MOST_SECONDS = 60.0
_MANY = 1_000_000


def tick(conn: Connection, tenant_id: UUID) -> dict[str, Any]:
    """What a tick of the tenant's pulses did: of those that are enabled, which were due and got their run."""
    found = asked.tick_kind(conn, tenant_id, pulse_report.KIND.name)
    return {
        "checked": found.checked,
        "triggered": len(found.planned),
        "skipped": found.checked - len(found.planned),
        "triggeredConfigs": found.planned,
    }


def dispatch(asking: Asked) -> dict[str, Any]:
    """What ticks of all active tenants did, at TOCSIN_URL; of the default tenant, here, where there is but one.

    Raises WrongState when a setting is missing that it takes.
    """
    settings = asking.web.settings
    if not settings.is_hosting:
        with asking.reading() as conn:
            tenant = tenants.default(conn)
            found = tick(conn, tenant.id)
        return _summed([_result(tenant, found, None)], is_hosting=False)
    if not settings.url or not settings.jwt_secret:
        raise WrongState("dispatching ticks takes TOCSIN_URL and SUPABASE_JWT_SECRET")
    with asking.reading() as conn:
        now = schedules.read_now(conn)
        active = tenants.list_all(conn, status="active", limit=_MANY)
    url = settings.url.rstrip("/") + "/api/pulse/tick"
    secret = settings.jwt_secret

    until = time.monotonic() + MOST_SECONDS

    def call(tenant: Tenant) -> dict[str, Any]:
        if time.monotonic() >= until:
            return _result(tenant, None, f"the ticks before it took {MOST_SECONDS:g} s")
        return _called(asking.web.http, url, tenant, jwts.mint(str(tenant.id), jwts.TICK, secret, now))

    with ThreadPoolExecutor(AT_ONCE, "tick") as pool:
        return _summed(list(pool.map(call, active)), is_hosting=True)


def _called(http: Client, url: str, tenant: Tenant, token: str) -> dict[str, Any]:
    """What one tenant's tick did; whatever goes wrong is this tenant's alone."""
    try:
        found = http.post(url, headers={"Authorization": f"Bearer {token}"}, timeout_seconds=TIMEOUT_SECONDS)
    except (HttpError, Forbidden) as error:
        return _result(tenant, None, str(error))
    if found.status != 200:
        return _result(tenant, None, f"{origin(url)} answered {found.status}")
    try:
        return _result(tenant, json.loads(found.content), None)
    except ValueError:
        return _result(tenant, None, f"{origin(url)} answered no JSON")


def _result(tenant: Tenant, ticked: dict[str, Any] | None, error: str | None) -> dict[str, Any]:
    return {"tenant": tenant.slug, "success": error is None, "tick": ticked, "error": error}


def _summed(results: Sequence[dict[str, Any]], *, is_hosting: bool) -> dict[str, Any]:
    successful = sum(each["success"] for each in results)
    return {
        "total": len(results),
        "successful": successful,
        "failed": len(results) - successful,
        "hostingEnabled": is_hosting,
        "results": list(results),
    }
