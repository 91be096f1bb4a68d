"""Channels: where a tenant is told beside mail. The credential goes in, is stored sealed, and never comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from api.definitions import Line, Words
from api.nouns import Id, Noun
from api.refusals import of_model, refuse
from config.seal import Seal
from db.jsonb import Jsonb
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.sealed import credential_place
from scheduler.refusals import NameTaken, NotFound, WrongState
from workers.channels import post
from workers.channels.adapter import Account, Adapter
from workers.channels.poster import Poster
from workers.channels.receipt import Receipt
from workers.channels.types import TYPES, ChannelType
from workers.http import Client, origin
from workers.outcome import ChannelMessage, Item
from workers.posting import OPEN

MOST_CHANNELS = 100
MOST_TOLD = 20
_UNIQUE = "23505"
_TEST_SECONDS = 10.0


class Channel(NamedTuple):
    """A channel as it is shown: of where it is called only scheme, host and port."""

    id: UUID
    name: str
    type: str
    origin: str
    options: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Name(NamedTuple):
    """The name of an alert."""

    name: str


INSERT = Query("insert_channel", Id)
LIST = Query("list_channels", Channel)
LOCK = Query("lock_channel", Id)
UPDATE = Query("update_channel")
DELETE = Query("delete_channel")
LIST_ALERTS = Query("list_alerts_of_channel", Name)
CHANNELS: Noun[Channel] = Noun(
    "channel",
    "/api/channels",
    LIST,
    LOCK,
    DELETE,
    kept_because="alerts or pulses tell the channel {name!r}; take it out of them first",
)

Credential = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        pattern=r"^[!-~]+$",
        description="the webhook's URL, the bot's token or the key, by the type; never shown again",
    ),
]
Given = Annotated[dict[str, Any], Field(description="what the type takes besides; another name than those is refused")]
Told = Annotated[list[Line], Field(max_length=MOST_TOLD, description="the channels that are told, by id or by name")]


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class ChannelIn(_Body):
    """A channel to be made."""

    name: Line
    type: Annotated[ChannelType, Words]
    credential: Credential
    options: Given = Field(default_factory=dict)


class ChannelPatch(_Body):
    """What changes; without a credential the stored one stays, if it goes where it was given for."""

    name: Line | None = None
    credential: Credential | None = None
    options: Given | None = None


def create(conn: Connection, tenant_id: UUID, body: ChannelIn, seal: Seal) -> Channel:
    """The channel made; nobody is told anything yet. Raises BadDefinition, NameTaken, SealError."""
    adapter = TYPES[body.type]
    options, stored = _options(adapter, body.options)
    place = _place(adapter, body.credential, options)
    if len(CHANNELS.list_all(conn, tenant_id, limit=MOST_CHANNELS)) == MOST_CHANNELS:
        raise refuse("", f"a tenant has at most {MOST_CHANNELS} channels")
    channel_id = uuid4()
    made = INSERT.one(
        conn,
        id=channel_id,
        tenant_id=tenant_id,
        name=body.name,
        type=body.type,
        origin=place,
        sealed_credential=seal.seal(body.credential, credential_place(tenant_id, channel_id)),
        options=Jsonb(stored),
    )
    if made is None:
        raise NameTaken(f"there is a channel named {body.name!r} already")
    return CHANNELS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: Channel, patch: ChannelPatch, seal: Seal) -> Channel:
    """The channel with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, SealError."""
    adapter = TYPES[row.type]
    options, stored = _options(adapter, row.options if patch.options is None else patch.options)
    credential = patch.credential or credential_of(conn, tenant_id, row, seal)
    place = _place(adapter, credential, options, "options" if patch.credential is None else "credential")
    if place != row.origin and patch.credential is None:
        # A stored secret goes nowhere else than where it was given for.
        raise refuse("credential", "is required again when it is sent elsewhere")
    name = patch.name or row.name
    sealed = patch.credential and seal.seal(patch.credential, credential_place(tenant_id, row.id))
    try:
        with transaction(conn):
            UPDATE.run(
                conn,
                tenant_id=tenant_id,
                id=row.id,
                name=name,
                origin=place,
                options=Jsonb(stored),
                sealed_credential=sealed,
            )
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a channel named {name!r} already") from None
    return CHANNELS.get(conn, tenant_id, row.id)


def check_untold(conn: Connection, tenant_id: UUID, row: Channel) -> None:
    """Passes a channel that no alert tells. Raises WrongState, which names some that do."""
    found = [each.name for each in LIST_ALERTS.all(conn, tenant_id=tenant_id, id=row.id)]
    if found:
        names = ", ".join(repr(name) for name in found)
        raise WrongState(f"alerts tell the channel {row.name!r}: {names}; take it out of them first")


def ids_of(conn: Connection, tenant_id: UUID, named: Sequence[str], *, is_report: bool) -> list[UUID]:
    """The channels of these ids or names, each once. Raises BadDefinition."""
    known = CHANNELS.list_all(conn, tenant_id) if named else []
    found: list[UUID] = []
    for place, name in enumerate(named):
        row = next((each for each in known if str(each.id) == name.lower()), None)
        row = row or next((each for each in known if each.name == name), None)
        if row is None:
            raise refuse(f"channels.{place}", f"there is no channel {name}")
        if is_report and TYPES[row.type].is_pager:
            raise refuse(f"channels.{place}", "takes no pager or receiver of alerts for a report")
        if row.id not in found:
            found.append(row.id)
    return found


def account_of(conn: Connection, tenant_id: UUID, row: Channel, seal: Seal) -> tuple[Adapter, Account]:
    """What a test calls, opened. Raises BadDefinition, SealError."""
    adapter = TYPES[row.type]
    options, _ = _options(adapter, row.options)
    return adapter, Account(row.name, credential_of(conn, tenant_id, row, seal), options)


def try_channel(adapter: Adapter, account: Account, row: Channel, client: Client, now: datetime) -> Receipt:
    """What became of one message, sent at once; nothing is stored. What it opens at a pager is closed at once."""
    message = ChannelMessage(
        to=(),
        title=f"Test of the channel {row.name}",
        subject=row.name,
        items=(Item("", "It works", "Somebody tried this channel; there is nothing to do.", since=now),),
        state="firing" if adapter.is_pager else "note",
        thread=f"test {row.id}",
    )
    poster = Poster(client, send_seconds=_TEST_SECONDS)
    receipt = poster.send(adapter, account, post.written(message, now, ""), _Nobodys(), key="", root="")
    if not adapter.is_pager or receipt.state == "failed":
        return receipt
    # One whose answer was lost may be open too.
    items = tuple(replace(item, is_open=False, until=now) for item in message.items)
    end = post.written(replace(message, state="resolved", items=items), now, "")
    closed = poster.send(adapter, account, end, _Nobodys(), key="", root="")
    if receipt.state != "sent" or closed.state == "sent":
        return receipt
    return replace(closed, error=f"it was told, and stays open: {closed.error}")


class _Nobodys:
    """The guard of a send that no lease is about."""

    def before_connect(self) -> None:
        """Lets it pass."""

    def before_data(self) -> None:
        """Lets it pass."""

    def before_dot(self) -> None:
        """Lets it pass."""


def credential_of(conn: Connection, tenant_id: UUID, row: Channel, seal: Seal) -> str:
    """What it is told by, opened. Raises NotFound, SealError."""
    stored = OPEN.one(conn, tenant_id=tenant_id, id=row.id)
    if stored is None:
        raise NotFound(f"there is no channel {row.id}")
    return seal.open(stored.sealed_credential, credential_place(tenant_id, row.id))


def _options(adapter: Adapter, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The options read, and as they are stored: what was given alone. Raises BadDefinition."""
    try:
        found = adapter.Options.model_validate(dict(given))
    except ValidationError as error:
        raise of_model(error, "options") from None
    return found, found.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _place(adapter: Adapter, credential: str, options: Any, pointer: str = "credential") -> str:
    """Scheme, host and port of where it is called. Raises BadDefinition, whose text does not repeat the credential."""
    try:
        return origin(adapter.address(credential, options))
    except ValueError as error:
        raise refuse(pointer, str(error)) from None
