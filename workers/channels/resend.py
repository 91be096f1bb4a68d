"""Resend: `POST /emails`. It takes no mail as it stands, so its fields are built from the stored one.

Its To is the envelope too: each copy names its own recipient alone. A repeat under one `Idempotency-Key` within a day
makes no second mail. Source: Resend's API reference.
"""

import base64
import json
from typing import Any

from workers.channels.over_http import Call, Fault, told
from workers.channels.stored import File, taken_apart
from workers.http import Response

ENDPOINT = "https://api.resend.com"
_FAULTS: dict[str, Fault] = {
    "missing_api_key": "ours",
    "restricted_api_key": "ours",
    "invalid_api_key": "ours",
    "invalid_from_address": "ours",
    "invalid_access": "ours",
    "security_error": "later",
    "daily_quota_exceeded": "later",
    "monthly_quota_exceeded": "later",
    "rate_limit_exceeded": "later",
    "concurrent_idempotent_requests": "later",
}


class Resend:
    """The account that `key` opens."""

    name = "Resend"
    is_keyed = True

    def __init__(self, endpoint: str, key: str) -> None:
        self._url = f"{endpoint}/emails"
        self._key = key

    def call(self, recipient: str, content: bytes, key: str) -> Call:
        """Return the request that hands these bytes to this recipient."""
        mail = taken_apart(content)
        said: dict[str, Any] = {
            "from": str(mail.sender),
            "to": [recipient],
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "reply_to": str(mail.reply_to) if mail.reply_to else "",
            "headers": mail.headers,
            "attachments": [_attachment(file) for file in mail.files],
        }
        body = json.dumps({name: value for name, value in said.items() if value}).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        return Call(self._url, headers | ({"Idempotency-Key": key} if key else {}), body)

    def id_of(self, answer: Response) -> str:
        """Return the id that its webhooks name."""
        return str(told(answer).get("id") or "")

    def fault(self, answer: Response) -> Fault | None:
        """Return whose fault a 4xx is by its name; a 409 for another body says that the first one was taken."""
        name = str(told(answer).get("name") or "")
        if name == "invalid_idempotent_request":
            return "unknown"
        return "ours" if answer.status in (401, 403) else _FAULTS.get(name)


def _attachment(file: File) -> dict[str, str]:
    found = {
        "filename": file.filename or "attachment",
        "content": base64.b64encode(file.content).decode(),
        "content_type": file.content_type,
    }
    return found | ({"content_id": file.content_id} if file.content_id else {})
