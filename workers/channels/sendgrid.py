"""SendGrid: `POST /v3/mail/send`. It takes no mail as it stands, so its fields are built from the stored one.

Its To is the envelope too: each copy names its own recipient alone. Source: SendGrid's v3 API reference.
"""

import base64
import json
from typing import Any

from workers.channels.over_http import Call, Fault, told
from workers.channels.stored import File, taken_apart
from workers.http import Response

ENDPOINT = "https://api.sendgrid.com"


class SendGrid:
    """The account that `key` opens."""

    name = "SendGrid"
    is_keyed = False

    def __init__(self, endpoint: str, key: str) -> None:
        self._url = f"{endpoint}/v3/mail/send"
        self._key = key

    def call(self, recipient: str, content: bytes, key: str) -> Call:  # noqa: ARG002  it takes none
        """Return the request that hands these bytes to this recipient."""
        mail = taken_apart(content)
        said: dict[str, Any] = {
            "personalizations": [{"to": [{"email": recipient}]}],
            "from": {"email": mail.sender.addr_spec, "name": mail.sender.display_name},
            "subject": mail.subject,
            "content": [
                {"type": kind, "value": text}
                for kind, text in (("text/plain", mail.text), ("text/html", mail.html))
                if text
            ],
            "attachments": [_attachment(file) for file in mail.files],
            "headers": mail.headers,
            # What is counted by rewriting links would rewrite those that are signed.
            "tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}},
        }
        if mail.reply_to is not None:
            said["reply_to"] = {"email": mail.reply_to.addr_spec, "name": mail.reply_to.display_name}
        body = json.dumps({name: value for name, value in said.items() if value}).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        return Call(self._url, headers, body)

    def id_of(self, answer: Response) -> str:
        """Return the id that its webhooks begin theirs with."""
        return answer.headers.get("X-Message-Id", "")

    def fault(self, answer: Response) -> Fault | None:
        """Return whose fault a 4xx is by the field that it names: the sender is the installation's."""
        errors = told(answer).get("errors")
        fields = (
            [str(each.get("field") or "") for each in errors if isinstance(each, dict)]
            if isinstance(errors, list)
            else []
        )
        return "ours" if answer.status == 400 and any(field.startswith("from") for field in fields) else None


def _attachment(file: File) -> dict[str, str]:
    found = {
        "content": base64.b64encode(file.content).decode(),
        "type": file.content_type,
        "filename": file.filename or "attachment",
        "disposition": "inline" if file.content_id else "attachment",
    }
    return found | ({"content_id": file.content_id} if file.content_id else {})
