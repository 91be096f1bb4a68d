"""Every page of the dashboard, in the order in which the router looks at them."""

from typing import Final

from api.pages import (
    assets,
    audit_log,
    calendars,
    channels,
    dashboards,
    dead_letters,
    deliveries,
    graphs,
    limits,
    members,
    overview,
    processes,
    runs,
    silences,
    sources,
    suppressions,
    templates,
    tenants,
    tokens,
    webhooks,
)

PAGE_ROOMS: Final = (
    assets,
    overview,
    runs,
    dead_letters,
    deliveries,
    sources,
    graphs,
    dashboards,
    channels,
    templates,
    calendars,
    silences,
    suppressions,
    webhooks,
    limits,
    members,
    tokens,
    audit_log,
    processes,
    tenants,
)
