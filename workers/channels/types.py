"""The types of channels: a new one is one file and one line here."""

from typing import Literal

from workers.channels import alertmanager, discord, opsgenie, pagerduty, slack, teams, telegram, twilio
from workers.channels.adapter import Adapter

ChannelType = Literal["slack", "teams", "discord", "telegram", "pagerduty", "opsgenie", "twilio", "alertmanager"]

TYPES: dict[str, Adapter] = {
    "slack": slack.ADAPTER,
    "teams": teams.ADAPTER,
    "discord": discord.ADAPTER,
    "telegram": telegram.ADAPTER,
    "pagerduty": pagerduty.ADAPTER,
    "opsgenie": opsgenie.ADAPTER,
    "twilio": twilio.ADAPTER,
    "alertmanager": alertmanager.ADAPTER,
}
