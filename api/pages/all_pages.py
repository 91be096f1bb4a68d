"""Every page of the dashboard, in the order in which the router looks at them."""

from typing import Final

from api.pages import (
    assets,
    audit_log,
    calendars,
    channels,
    dashboards,
    deliveries,
    graphs,
    limits,
    members,
    overview,
    processes,
    pulses,
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
    deliveries,
    pulses,
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
