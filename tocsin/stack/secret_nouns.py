"""Sections with secrets: sources, channels, webhooks and crew endpoints. A secret that a file does not name is kept."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError

from api import asked_sources, channels, crew_endpoints, shapes, sources, webhooks
from api.channels import CHANNELS, ChannelIn, ChannelPatch
from api.crew_endpoints import ENDPOINTS, CrewEndpointIn, CrewEndpointPatch
from api.refusals import refuse
from api.routes.sources import SourceIn
from api.routes.webhooks import WebhookIn
from tocsin.stack.names import Fields
from tocsin.stack.sections import ANOTHER, MASK, MOST, Means, Section, Settling, of_noun
from workers.channels.types import TYPES
from workers.journal import opened as opened_source
from workers.sources.options import OPTIONS

_NEEDED = "is required to make it, such as ${env:NAME}: no file of ours holds what is stored"


def _stored(model: Any, given: Any) -> Any:
    """The options as they are stored, so that what means the same is equal."""
    try:
        return model.model_validate(dict(given or {})).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except (ValidationError, ValueError, TypeError):
        return given


# Sources: the password of a Postgres stands in the address, and is parted from it here as it is where it is stored.


def _make_source(means: Means, body: Fields) -> sources.Source:
    given = SourceIn.model_validate(body)
    return sources.create_source(
        means.conn,
        means.tenant,
        given.name,
        given.type,
        given.url,
        means.seal,
        secret=given.secret or "",
        options=given.options,
        files=means.files,
    )


def _edit_source(means: Means, row: sources.Source, changes: Fields, whole: Fields) -> sources.Source:
    has_secret = "secret" in changes
    return sources.edit(
        means.conn,
        means.tenant,
        row.id,
        url=whole["url"] if has_secret or "url" in changes else None,
        secret=whole.get("secret") if has_secret else None,
        options=(whole.get("options") or {}) if "options" in changes else None,
        seal=means.seal,
        files=means.files,
    )


def _settle_source(at: Settling) -> None:
    """Parts a password from the address, and compares it with the one that is stored."""
    if at.wanted["type"] != "postgres":
        return
    public, password = sources.address_of("postgres", at.written["url"], "", None)
    at.wanted["url"] = public
    if not password:
        at.wanted["secret"] = at.have.says.get("secret") if at.have else None
    elif at.have is None:
        at.wanted["secret"] = MASK
    else:
        stored = _source_secret(at.means, at.have.row)["secret"]
        at.wanted["secret"] = at.have.says.get("secret") if stored == password else ANOTHER


def _source_secret(means: Means, row: sources.Source) -> Fields:
    stored = asked_sources.row_of(means.conn, means.tenant, row.id)
    return {"secret": opened_source(stored, means.tenant, means.seal).secret}


def _source_body(row: sources.Source) -> Fields:
    body = {"name": row.name, "type": row.type, "url": row.url, "options": row.options}
    return body | {"secret": MASK if row.has_password else None}


def _tidy_source(fields: Fields) -> None:
    if "options" in fields and fields.get("type", "postgres") in OPTIONS:
        fields["options"] = _stored(OPTIONS[fields.get("type", "postgres")], fields["options"])
    if not fields.get("options"):
        fields.pop("options", None)


SOURCES = Section(
    "sources",
    "source",
    SourceIn,
    rows=lambda means: sources.list_all(means.conn, means.tenant, limit=MOST),
    lock=lambda means, row_id: sources.locked(means.conn, means.tenant, row_id),
    create=_make_source,
    change=_edit_source,
    delete=lambda means, row: sources.delete(means.conn, means.tenant, row.id),
    body_of=_source_body,
    shown=shapes.plain,
    fixed=("type",),
    secrets=("secret",),
    opened=_source_secret,
    tidy=_tidy_source,
    settle=_settle_source,
)


def _make_channel(means: Means, body: Fields) -> channels.Channel:
    if body.get("credential") is None:
        raise refuse("credential", _NEEDED)
    return channels.create(means.conn, means.tenant, ChannelIn.model_validate(body), means.seal)


def _edit_channel(means: Means, row: channels.Channel, changes: Fields, _: Fields) -> channels.Channel:
    patch = ChannelPatch.model_validate(changes)
    return channels.edit(means.conn, means.tenant, row, patch, means.seal)


def _tidy_channel(fields: Fields) -> None:
    if "options" in fields and fields.get("type") in TYPES:
        fields["options"] = _stored(TYPES[fields["type"]].Options, fields["options"])


CHANNELS_SECTION = of_noun(
    "channels",
    CHANNELS,
    ChannelIn,
    _make_channel,
    _edit_channel,
    lambda means, row: channels.check_untold(means.conn, means.tenant, row),
    body_of=lambda row: {"name": row.name, "type": row.type, "options": row.options, "credential": MASK},
    fixed=("type",),
    secrets=("credential",),
    stand_in={"credential": "x"},
    opened=lambda means, row: {
        "credential": channels.credential_of(means.conn, means.tenant, row, means.seal),
    },
    tidy=_tidy_channel,
)


def _make_webhook(means: Means, body: Fields) -> webhooks.Webhook:
    # One that is made up here would be shown to nobody.
    for name in ("url", "secret"):
        if body.get(name) is None:
            raise refuse(name, _NEEDED)
    given = WebhookIn.model_validate(body)
    made, _ = webhooks.create(means.conn, means.tenant, given.name, given.url, given.events, given.secret, means.seal)
    return made


def _edit_webhook(means: Means, row: webhooks.Webhook, changes: Fields, _: Fields) -> webhooks.Webhook:
    found = row
    if {"url", "events"} & changes.keys():
        found = webhooks.edit(
            means.conn,
            means.tenant,
            row.id,
            name=None,
            url=changes.get("url"),
            events=changes.get("events"),
            seal=means.seal,
        )
    if "secret" in changes:
        found = webhooks.rotate(means.conn, means.tenant, row.id, changes["secret"], means.seal)[0]
    return found


def _webhook_secrets(means: Means, row: webhooks.Webhook) -> Fields:
    url, secret = webhooks.opened(means.conn, means.tenant, row.id, means.seal)
    return {"url": url, "secret": secret}


def _tidy_webhook(fields: Fields) -> None:
    if "events" in fields:
        fields["events"] = list(dict.fromkeys(fields["events"]))


def _lock_webhook(means: Means, row_id: UUID) -> webhooks.Webhook:
    return webhooks.locked(means.conn, means.tenant, row_id)


WEBHOOKS = Section(
    "webhooks",
    "webhook",
    WebhookIn,
    rows=lambda means: webhooks.list_all(means.conn, means.tenant),
    lock=_lock_webhook,
    create=_make_webhook,
    change=_edit_webhook,
    delete=lambda means, row: webhooks.delete(means.conn, means.tenant, row.id),
    body_of=lambda row: {"name": row.name, "events": row.events, "url": MASK, "secret": MASK},
    secrets=("url", "secret"),
    stand_in={"url": "https://example.com"},
    opened=_webhook_secrets,
    tidy=_tidy_webhook,
)


def _edit_endpoint(
    means: Means, row: crew_endpoints.CrewEndpoint, changes: Fields, _: Fields
) -> crew_endpoints.CrewEndpoint:
    patch = CrewEndpointPatch.model_validate(changes)
    return crew_endpoints.edit(means.conn, means.tenant, row, patch, means.seal)


def _endpoint_body(row: crew_endpoints.CrewEndpoint) -> Fields:
    shown = ENDPOINTS.shown(row)
    names = ("name", "url", "timeoutSeconds", "concurrency", "ratePerMinute", "segments", "protocol")
    return {name: shown[name] for name in names} | {"headers": MASK if row.has_headers else None}


ENDPOINTS_SECTION = of_noun(
    "crewEndpoints",
    ENDPOINTS,
    CrewEndpointIn,
    lambda means, body: crew_endpoints.create(
        means.conn, means.tenant, CrewEndpointIn.model_validate(body), means.seal
    ),
    _edit_endpoint,
    body_of=_endpoint_body,
    secrets=("headers",),
    opened=lambda means, row: {
        "headers": crew_endpoints.headers_of(means.conn, means.tenant, row.id, means.seal),
    },
)
