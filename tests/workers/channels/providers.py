"""The four mail providers on loopback, each as its reference documents it, with what goes wrong by recipient.

A recipient's first part says how its mail is answered, as the SMTP sink does: `429-once+x@example.com`.
"""

import base64
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

KEY = "key-of-tests"


@dataclass
class Provider:
    """A provider that is played: what it was asked, and what it accepted, by recipient."""

    name: str
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[tuple[str, Any]] = field(default_factory=list)
    keyed: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def mail_url(self) -> str:
        """MAIL_URL that leads here."""
        where = {"ses": "ses://eu-west-1", "mailgun": f"mailgun://{KEY}@mg.example.com"}
        return f"{where.get(self.name, f'{self.name}://{KEY}@')}?endpoint={self.url}"

    def mails_to(self, recipient: str) -> list[Any]:
        """What was accepted for this recipient."""
        return [mail for to, mail in self.accepted if to == recipient]


def form(content_type: str, body: bytes) -> dict[str, bytes]:
    """The fields of a multipart form."""
    found = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    edge = found.get_boundary() or ""
    parts = body.split(f"--{edge}".encode())[1:-1]
    fields = {}
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = head.split(b'name="')[1].split(b'"')[0].decode()
        fields[name] = content.removesuffix(b"\r\n")
    return fields


def taken(name: str, path: str, headers: Message, body: bytes) -> tuple[str, Any]:
    """The recipient and the mail of a request. Raises KeyError and AssertionError where it is not as documented."""
    if name == "mailgun":
        assert path == "/v3/mg.example.com/messages.mime"
        fields = form(headers["Content-Type"], body)
        return fields["to"].decode(), fields["message"]
    said = json.loads(body)
    assert headers["Content-Type"] == "application/json"
    if name == "ses":
        assert path == "/v2/email/outbound-emails"
        [recipient] = said["Destination"]["ToAddresses"]
        return recipient, base64.b64decode(said["Content"]["Raw"]["Data"], validate=True)
    if name == "sendgrid":
        assert path == "/v3/mail/send"
        [person] = said["personalizations"]
        [to] = person["to"]
        return to["email"], said
    assert (name, path) == ("resend", "/emails")
    [recipient] = said["to"]
    return recipient, said


def is_known(name: str, headers: Message) -> bool:
    """Whether the request shows the key, or is signed by it."""
    shown = headers["Authorization"] or ""
    if name == "ses":
        return shown.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") and "/eu-west-1/ses/aws4_request" in shown
    if name == "mailgun":
        return shown == "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
    return shown == f"Bearer {KEY}"


def refusal(name: str, status: int) -> tuple[dict[str, str], Any]:
    """What this provider says of a status, as its reference shows it."""
    if name == "ses":
        kinds = {400: "BadRequestException", 429: "TooManyRequestsException", 403: "InvalidSignatureException"}
        return {"x-amzn-ErrorType": f"{kinds.get(status, 'InternalFailure')}:http://internal/"}, {"message": "no"}
    if name == "sendgrid":
        return {}, {"errors": [{"message": "no", "field": "personalizations.0.to.0.email" if status == 400 else None}]}
    if name == "resend":
        kinds = {400: "validation_error", 403: "invalid_api_key", 429: "rate_limit_exceeded"}
        return {}, {"statusCode": status, "name": kinds.get(status, "application_error"), "message": "no"}
    return {}, {"message": "no"}


@contextmanager
def provider(name: str) -> Iterator[Provider]:  # noqa: C901  a server on one screen
    """A provider on loopback."""
    played = Provider(name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) < int(self.headers["Content-Length"]):
                return  # it broke off: nothing is accepted
            recipient, mail = taken(name, self.path, self.headers, body)
            played.asked.append({"recipient": recipient, "headers": dict(self.headers.items())})
            word = recipient.split("+")[0]
            played.seen[recipient] += 1
            is_once = "once" in word and played.seen[recipient] > 1
            if not is_known(name, self.headers):
                self._say(403 if name in ("ses", "resend") else 401, *refusal(name, 403))
            elif word == "drop-before":
                self.close_connection = True
            elif word[:3].isdigit() and not is_once:
                headers, said = refusal(name, int(word[:3]))
                self._say(int(word[:3]), headers | ({"Retry-After": "7"} if word[:3] == "429" else {}), said)
            else:
                self._accept(recipient, mail, body, is_dropped=word.startswith("drop-after") and not is_once)

        def _accept(self, recipient: str, mail: Any, body: bytes, *, is_dropped: bool) -> None:
            key = self.headers["Idempotency-Key"] if name == "resend" else None
            if key in played.keyed:
                first, made = played.keyed[key]
                if first != body:
                    self._say(409, {}, {"name": "invalid_idempotent_request", "message": "another payload"})
                    return
            else:
                made = uuid4().hex
                played.accepted.append((recipient, mail))
                if key is not None:
                    played.keyed[key] = (body, made)
            if is_dropped:
                self.close_connection = True
            elif name == "sendgrid":
                self._say(202, {"X-Message-Id": made}, None)
            else:
                said = {"ses": {"MessageId": made}, "mailgun": {"id": f"<{made}@mg.example.com>", "message": "Queued."}}
                self._say(200, {}, said.get(name, {"id": made}))

        def _say(self, status: int, headers: dict[str, str], said: Any) -> None:
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        played.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield played
    finally:
        server.shutdown()
        server.server_close()
