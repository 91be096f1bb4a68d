"""The web application: its rooms in their order, what it holds while it runs, and its OpenAPI document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import picture
from api.access import PATIENCE_SECONDS, least_role
from api.changes import Changes
from api.doorway import Doorway
from api.examples import EXAMPLES
from api.gauges import Gauges
from api.limits import Limit
from api.meanings import explain
from api.oidc import Provider
from api.pages.all_pages import PAGE_ROOMS
from api.pages.unfound import unfound
from api.presence import Presence
from api.problems import FieldProblem, Problem, answer_problems
from api.reference import ROLE
from api.routes import (
    actions,
    alert_events,
    artifacts,
    audit_log,
    calendars,
    channels,
    crew_endpoints,
    crew_responses,
    crew_scheduler,
    dashboards,
    dead_letters,
    deliveries,
    files,
    graphs,
    health,
    kinds,
    kpi_alerts,
    limits,
    mail_hooks,
    members,
    processes,
    pulse_jobs,
    pulses,
    report_definitions,
    report_executions,
    runs,
    scheduled_reports,
    schedules,
    session,
    sign_in,
    silences,
    sources,
    suppressions,
    templates,
    tenants,
    tokens,
    users,
    webhooks,
)
from api.settings import Settings
from api.state import PER_CALLER, PER_PROVIDER, PER_TENANT, PER_VISITOR, WRONG_TOKENS, Web
from config.environ import BadSetting
from config.seal import Seal, SealError
from db.live import connected
from db.processes import VERSION
from db.store import Store
from db.walls import within
from telemetry import metrics
from telemetry.log import Events
from workers.http import Client
from workers.kinds import INNER, load

events = Events("web")

_ROOMS = (
    health,
    kinds,
    processes,
    schedules,
    runs,
    artifacts,
    dead_letters,
    deliveries,
    sources,
    graphs,
    dashboards,
    kpi_alerts,
    alert_events,
    pulses,
    pulse_jobs,
    scheduled_reports,
    report_executions,
    report_definitions,
    silences,
    limits,
    calendars,
    channels,
    members,
    tokens,
    session,
    tenants,
    audit_log,
    webhooks,
    suppressions,
    templates,
    users,
    crew_endpoints,
    crew_responses,
    crew_scheduler,
    mail_hooks,
    actions,
    files,
    sign_in,
)
# Of each process. Its threads take turns on them: what a request asks is short, and Python runs one thread at a time.
_CONNECTIONS = 12


def create_app(settings: Settings) -> FastAPI:
    """The web application; it opens its connections when it starts. Raises BadSetting when a kind or a key can't be used."""
    loaded = load(settings.kinds)
    seal = seal_of(settings)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        metrics.begin_cancelling({*loaded, *INNER})
        # Opening waits for nothing: a web process lives, and says why it is not ready, while Postgres is away.
        pool = settings.database.open_pool("web", _CONNECTIONS)
        presence = Presence(
            settings.database, settings.lease_seconds, is_held=settings.mode == "held", crew_url=settings.crew_url
        )
        presence.start()
        http = Client(allowed=settings.egress_allow)
        app.state.web = Web(
            settings,
            pool,
            loaded,
            Gauges(pool, sorted({*loaded, *INNER})),
            seal,
            per_caller=Limit(PER_CALLER // settings.processes),
            per_tenant=Limit(PER_TENANT // settings.processes),
            wrong_tokens=Limit(WRONG_TOKENS),
            per_visitor=Limit(PER_VISITOR // settings.processes),
            per_provider=Limit(PER_PROVIDER // settings.processes),
            http=http,
            provider=_provider(settings, http),
            store=Store(settings.artifact_url) if settings.artifact_url else None,
        )
        app.state.changes = Changes(partial(_signed, app.state.web))
        try:
            yield
        finally:
            app.state.changes.stop()
            presence.stop()
            app.state.web.http.close()
            pool.close(1)

    app = _routed(lifespan=running)
    answer_problems(app, _routes())
    app.add_middleware(Doorway)
    return app


def _provider(settings: Settings, http: Client) -> Provider | None:
    return Provider(settings.oidc, http, settings.url) if settings.oidc and settings.url else None


def _signed(web: Web, tenant_id: UUID) -> str:
    """The word that stands for a tenant's picture."""
    with connected(web.pool, PATIENCE_SECONDS) as conn, within(conn, tenant_id, is_walled=web.is_walled(conn)):
        return picture.sign(conn, tenant_id)


def seal_of(settings: Settings) -> Seal:
    """What seals secrets here. Raises BadSetting for keys that are none."""
    try:
        return Seal(settings.secret_keys)
    except SealError as error:
        raise BadSetting(str(error)) from None


def openapi() -> dict[str, Any]:
    """The OpenAPI document of this release; needs no setting and no server."""
    return _routed().openapi()


def _routed(**options: Any) -> FastAPI:
    app = FastAPI(
        title="Tocsin",
        version=VERSION,
        summary="Scheduled work that rings on time, exactly once.",
        generate_unique_id_function=_operation_id,
        # What FastAPI would show there loads scripts from elsewhere; `api/pages/reference.py` shows it instead.
        docs_url=None,
        redoc_url=None,
        **options,
    )
    for room in (*_ROOMS, *PAGE_ROOMS):
        app.include_router(room.router)
    app.router.default = unfound
    document, once = app.openapi, Lock()

    def described() -> dict[str, Any]:
        with once:
            return app.openapi_schema or _described(document())

    app.openapi = described  # type: ignore[method-assign]  # the way that FastAPI documents
    return app


def _described(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what FastAPI can't know: problems, meanings, examples, and who may call."""
    schemas = document["components"]["schemas"]
    for model in (Problem, FieldProblem):
        schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas[model.__name__].pop("$defs", None)
    for name, schema in schemas.items():
        explain(name, schema)
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    for route in _routes():
        for method in route.methods or ():
            told = document["paths"].get(route.path, {}).get(method.lower())
            role = least_role(route.dependant)
            if told is not None and role is not None:
                told[ROLE] = role
    return document


def _routes() -> list[APIRoute]:
    """Every endpoint, in the order in which the router looks at them."""
    return [route for room in (*_ROOMS, *PAGE_ROOMS) for route in room.router.routes if isinstance(route, APIRoute)]


def _operation_id(route: APIRoute) -> str:
    """The name of the route's function: a generated client calls it so too. A test holds that no two are the same."""
    return route.name
