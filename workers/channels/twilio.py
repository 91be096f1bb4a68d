"""Twilio: one short text message to one number. Source: Twilio's Messages resource."""

import base64
import re
from typing import Annotated, Self
from urllib.parse import urlencode

from pydantic import Field, model_validator

from workers.channels.adapter import Account, Adapter, Endpoint, Options, by_status, words
from workers.channels.over_http import Call, told
from workers.channels.post import Post, cut, line_of, units
from workers.channels.receipt import Receipt
from workers.http import Response

ENDPOINT = "https://api.twilio.com"
# Two parts of 160, or five of 67 where a sign is none of GSM's; Twilio takes 1,600.
MOST_UNITS = 320
_TAKES = "takes the account's auth token, 32 hexadecimal digits"


class TwilioOptions(Options):
    """Whose account, who sends, and the one number that is told."""

    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-f]{32}$")]
    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="the number that is told, as +15551234567")]
    sender: Annotated[str, Field(pattern=r"^(\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11})$")] | None = Field(
        None, alias="from", description="a number or a name of yours"
    )
    messaging_service_sid: Annotated[str, Field(pattern=r"^MG[0-9a-f]{32}$")] | None = None
    endpoint: Endpoint | None = None

    @model_validator(mode="after")
    def _has_one_sender(self) -> Self:
        if (self.sender is None) == (self.messaging_service_sid is None):
            raise ValueError("takes exactly one of from and messagingServiceSid")
        return self


def address(credential: str, options: TwilioOptions) -> str:
    """Return where messages are made. Raises ValueError when the credential is no auth token."""
    if not re.fullmatch(r"[0-9A-Za-z]{32}", credential):
        raise ValueError(_TAKES)
    return f"{options.endpoint or ENDPOINT}/2010-04-01/Accounts/{options.account_sid}/Messages.json"


def request(post: Post, account: Account, _root: str) -> Call:
    """Return the request: the title, and of the items what there is room for."""
    options = account.options
    lines = [post.title, *(line_of(item) for item in post.items if line_of(item))]
    form = {"To": options.to, "Body": cut("\n".join(lines), MOST_UNITS, size=units)}
    form |= {"From": options.sender} if options.sender else {"MessagingServiceSid": options.messaging_service_sid}
    shown = base64.b64encode(f"{options.account_sid}:{account.credential}".encode()).decode()
    headers = {"Authorization": f"Basic {shown}", "Content-Type": "application/x-www-form-urlencoded"}
    return Call(address(account.credential, options), headers, urlencode(form).encode())


def read(answer: Response) -> Receipt:
    """Return what the status says, with the message's sid."""
    return by_status(answer, str(told(answer).get("sid") or ""), words(answer, "code", "message"))


ADAPTER = Adapter("Twilio", TwilioOptions, address, request, read)
