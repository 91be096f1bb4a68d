"""`/channels`: chats and pagers that alerts tell; one message can be sent to see that it arrives."""

from typing import get_args
from uuid import UUID

from fastapi.responses import Response

from api.channels import ChannelIn, ChannelPatch
from api.pages.page import EditorPage, told
from api.pages.rooms import Field, Room, routes
from api.routes import channels
from workers.channels.types import ChannelType

ROOM = Room(
    path="/channels",
    title="Channels",
    one="channel",
    note="Chats, pagers and receivers of alerts. A credential goes in and never comes out.",
    empty="A channel is a chat, a pager or a receiver of alerts that alerts and pulses tell beside mail: Slack, Teams, "
    "Discord, Telegram, PagerDuty, Opsgenie, Twilio, or whatever takes Alertmanager's webhooks.",
    columns={"Name": "name", "Type": "type", "Where": "origin", "Since": "createdAt"},
    listed=channels.list_channels,
    got=channels.get_channel,
    made=channels.create_channel,
    taken=ChannelIn,
    edited=channels.edit_channel,
    patched=ChannelPatch,
    deleted=channels.delete_channel,
    show="channels/one.html.j2",
    fields=(
        Field("name", "Name", required=True, hint="Alerts name it by this."),
        Field("type", "Type", "choice", choices=[(each, each) for each in get_args(ChannelType)], once=True),
        Field("credential", "Credential", "secret", "The webhook's URL, the bot's token or the key.", required=True),
        Field("options", "Options", "object", 'What the type takes besides, as JSON: {"channel": "C0123456789"}.'),
    ),
    defaults={"type": "slack"},
)
router = routes(ROOM)


@router.post("/channels/{channel_id}/test")
def test_channel(page: EditorPage, channel_id: UUID) -> Response:
    """Sends one message now, and says what the far side answered."""
    return ROOM.page_of(page, channel_id, tested=told(channels.test_channel(page.asking, channel_id)))
