"""Mailgun: `POST /v3/DOMAIN/messages.mime` takes the stored bytes as they are. Source: Mailgun's API reference."""

import base64
import hashlib

from workers.channels.over_http import Call, Fault, told
from workers.http import Response

ENDPOINT = "https://api.mailgun.net"


class Mailgun:
    """The sending domain that `key` opens."""

    name = "Mailgun"
    is_keyed = False

    def __init__(self, endpoint: str, key: str, domain: str) -> None:
        self._url = f"{endpoint}/v3/{domain}/messages.mime"
        self._login = base64.b64encode(f"api:{key}".encode()).decode()

    def call(self, recipient: str, content: bytes, key: str) -> Call:  # noqa: ARG002  it takes none
        """Return the request that hands these bytes to this recipient, who alone is in the envelope."""
        edge = f"tocsin-{hashlib.sha256(content).hexdigest()}"
        fields = {"to": recipient, "o:tracking": "no"}
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        file = (
            f'--{edge}\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\n'
            "Content-Type: message/rfc822\r\n\r\n"
        )
        body = "".join([*parts, file]).encode() + content + f"\r\n--{edge}--\r\n".encode()
        headers = {"Authorization": f"Basic {self._login}", "Content-Type": f"multipart/form-data; boundary={edge}"}
        return Call(self._url, headers, body)

    def id_of(self, answer: Response) -> str:
        """Return the Message-ID without its brackets, as its webhooks name it."""
        return str(told(answer).get("id") or "").strip("<> ")

    def fault(self, answer: Response) -> Fault | None:
        """Return whose fault a 4xx is: an account that may not send (402, 403) and a domain it lacks (404) are ours."""
        return "ours" if answer.status in (401, 402, 403, 404) else None
