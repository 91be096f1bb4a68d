"""`/api/channels`: where a tenant is told beside mail. A credential goes in and never comes out."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from api import channels, shapes
from api.channels import CHANNELS, Channel, ChannelIn, ChannelPatch
from api.paging import Cursor, Limit
from api.problems import answers, good
from api.request import Asked, Editor, Reader, answer
from db.pool import Connection
from scheduler import schedules
from scheduler.refusals import WrongState

router = APIRouter(prefix="/api/channels", tags=["channels"], responses=answers(400, 401, 403, 404, 422, 429, 503))

ChannelOut = shapes.model_of(Channel, "Channel")
ChannelList = shapes.list_of(ChannelOut, "ChannelList")


class ChannelTested(BaseModel):
    """What the far side said of one message."""

    ok: bool
    state: str
    error: str | None
    providerMessageId: str | None  # noqa: N815  as the contract spells its names


@router.get("", responses=good(200, ChannelList))
def list_channels(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The channels, newest first."""
    return CHANNELS.answer_list(asking, limit, cursor)


@router.post("", status_code=201, responses=good(201, ChannelOut))
def create_channel(asking: Editor, body: ChannelIn) -> Response:
    """Makes a channel; nobody is told anything yet."""
    return CHANNELS.create(asking, lambda conn: channels.create(conn, asking.tenant, body, asking.web.seal))


@router.get("/{channel_id}", responses=good(200, ChannelOut))
def get_channel(asking: Reader, channel_id: UUID) -> Response:
    """One channel."""
    return CHANNELS.answer_one(asking, channel_id)


@router.patch("/{channel_id}", responses=good(200, ChannelOut, 412))
def edit_channel(asking: Editor, channel_id: UUID, body: ChannelPatch) -> Response:
    """Changes a channel; what is on its way is sent by it as it is then."""
    seal = asking.web.seal
    return CHANNELS.edit(asking, channel_id, lambda conn, row: channels.edit(conn, asking.tenant, row, body, seal))


@router.delete("/{channel_id}", status_code=204, responses=answers(409, 412))
def delete_channel(asking: Editor, channel_id: UUID) -> Response:
    """Deletes a channel that no alert tells."""

    def check(conn: Connection, row: Channel) -> None:
        channels.check_untold(conn, asking.tenant, row)

    return CHANNELS.remove(asking, channel_id, first=check)


@router.post("/{channel_id}/test", responses=good(200, ChannelTested, 409))
def test_channel(asking: Editor, channel_id: UUID) -> Response:
    """Sends one message now, and says what the far side answered."""
    refuse_dry(asking)
    with asking.reading() as conn:
        row = CHANNELS.get(conn, asking.tenant, channel_id)
        adapter, account = channels.account_of(conn, asking.tenant, row, asking.web.seal)
        now = schedules.read_now(conn)
    receipt = channels.try_channel(adapter, account, row, asking.web.http, now)
    return answer(
        {
            "ok": receipt.state == "sent",
            "state": receipt.state,
            "error": receipt.error or None,
            "providerMessageId": receipt.provider_message_id or None,
        }
    )


def refuse_dry(asking: Asked) -> None:
    """Passes where messages leave. Raises WrongState."""
    mode = asking.web.settings.mode
    if mode != "live":
        raise WrongState(f"TOCSIN_MODE is {mode}: nothing is sent")
