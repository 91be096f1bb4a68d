"""The chats, pagers and receivers on loopback, each as its reference documents it, with what goes wrong by the title.

A message's first word says how it is answered: a status, `drop-before` or `drop-after`; all else is taken.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from workers.channels.adapter import Account
from workers.channels.types import TYPES

BOT = "xoxb-1234567890-abcdefghij"
SECRETS = {
    "telegram": "123456:ABCdefGHIjklMNOpqrsTUVwxyz012345",
    "pagerduty": "0123456789abcdef0123456789ABCDEF",
    "opsgenie": "eb243592-faa2-4ba2-a551-1afdf565c889",
    "twilio": "0123456789abcdef0123456789abcdef",
}
SID = "AC" + "0" * 32
PATHS = {
    "slack": "/services/T0/B0/hush",
    "teams": "/workflows/hush/invoke?sig=hush",
    "discord": "/api/webhooks/1/hush",
    "alertmanager": "/hush",
}


@dataclass
class Chat:
    """A service that is played: what it was asked, and what it took, in order."""

    name: str
    url: str = ""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    refuses: int = 0
    # The status of each answer to come; None for what it says of what it took.
    answers: list[int | None] = field(default_factory=list)
    # What else than the usual is to be shown as Authorization.
    shown: str = ""

    @property
    def type(self) -> str:
        """The type of channel that it is."""
        return self.name.partition(" ")[0]

    @property
    def credential(self) -> str:
        """What opens it."""
        if self.name == "slack bot":
            return BOT
        return SECRETS.get(self.name) or f"{self.url}{PATHS[self.name]}"

    @property
    def options(self) -> dict[str, Any]:
        """What its channel takes besides."""
        here = {"endpoint": self.url}
        found: dict[str, dict[str, Any]] = {
            "slack bot": here | {"channel": "C0123456789"},
            "telegram": here | {"chatId": "-1001234567890"},
            "pagerduty": here,
            "opsgenie": here | {"priority": "P2", "tags": ["kpi"]},
            "twilio": here | {"accountSid": SID, "to": "+15551234567", "from": "+15557654321"},
            "alertmanager": {"labels": {"severity": "page", "team": "sales"}},
        }
        return found.get(self.name, {})

    def account(self) -> Account:
        """The account as a worker opens it."""
        return Account(f"the {self.name}", self.credential, TYPES[self.type].Options.model_validate(self.options))


def title_of(name: str, said: Any) -> str:
    """Where each puts the title. Raises KeyError and AssertionError where the request is not as documented."""
    if name.startswith("slack"):
        assert said["blocks"][0]["type"] == "header"
        assert len(said["blocks"]) <= 50
        return str(said["text"])
    if name == "teams":
        [card] = said["attachments"]
        assert (said["type"], card["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
        return str(card["content"]["body"][0]["inlines"][0]["text"])
    if name == "discord":
        [embed] = said["embeds"]
        assert said["allowed_mentions"] == {"parse": []}
        return str(embed["title"]).replace("\\", "")
    if name == "telegram":
        assert (said["chat_id"], said["parse_mode"]) == ("-1001234567890", "HTML")
        return str(said["text"]).removeprefix("<b>")
    if name == "pagerduty":
        assert said["routing_key"] == SECRETS[name]
        assert said["dedup_key"]
        return str(said["payload"]["summary"]) if said["event_action"] == "trigger" else ""
    if name == "opsgenie":
        return str(said.get("message") or said["note"])
    if name == "twilio":
        return str(said["Body"])
    assert said["version"] == "4"
    return str(said["alerts"][0]["annotations"]["summary"])


def is_known(chat: Chat, path: str, shown: str) -> bool:
    """Whether the request goes to the right place and shows the secret."""
    name = chat.name
    if name == "slack bot":
        return path == "/api/chat.postMessage" and shown == f"Bearer {BOT}"
    if name == "discord":
        return path == f"{PATHS[name]}?wait=true"
    if name == "telegram":
        return path == f"/bot{SECRETS[name]}/sendMessage"
    if name == "pagerduty":
        return path == "/v2/enqueue"
    if name == "opsgenie":
        closes = path.startswith("/v2/alerts/") and path.endswith("/close?identifierType=alias")
        return (path == "/v2/alerts" or closes) and shown == f"GenieKey {SECRETS[name]}"
    if name == "twilio":
        good = "Basic " + base64.b64encode(f"{SID}:{SECRETS[name]}".encode()).decode()
        return path == f"/2010-04-01/Accounts/{SID}/Messages.json" and shown == good
    return path == PATHS[name] and shown == chat.shown


def success(name: str, number: int, said: Any) -> tuple[int, Any]:
    """What each says of a message that it took."""
    if name == "slack":
        return 200, "ok"
    return {
        "slack bot": (200, {"ok": True, "channel": "C0123456789", "ts": f"1503435956.{number:06}"}),
        "teams": (202, ""),
        "discord": (200, {"id": f"{number}", "type": 0}),
        "telegram": (200, {"ok": True, "result": {"message_id": number}}),
        "pagerduty": (202, {"status": "success", "message": "Event processed", "dedup_key": said.get("dedup_key")}),
        "opsgenie": (202, {"result": "Request will be processed", "took": 0.1, "requestId": f"r-{number}"}),
        "twilio": (201, {"sid": f"SM{number:032}", "status": "queued"}),
    }.get(name, (200, ""))


def refusal(name: str, status: int) -> Any:
    """What each says of a message that it refuses."""
    if name == "telegram":
        asked = {"parameters": {"retry_after": 7}} if status == 429 else {}
        return {"ok": False, "error_code": status, "description": "Bad Request: chat not found"} | asked
    return {
        "slack": "channel_is_archived",
        "slack bot": {"ok": False, "error": "ratelimited"},
        "discord": {"message": "Unknown Webhook", "code": 10015},
        "pagerduty": {"status": "invalid event", "message": "Event object is invalid", "errors": ["no"]},
        "opsgenie": {"message": "Request body is not processable.", "took": 0.0},
        "twilio": {"code": 21211, "message": "The 'To' number is not valid.", "status": 400},
    }.get(name, "<html>no</html>")


@contextmanager
def chat(name: str) -> Iterator[Chat]:  # noqa: C901  a server on one screen
    """A service on loopback."""
    played = Chat(name)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) < size:
                return  # it broke off: nothing is taken
            played.asked.append(self.path)
            played.headers.append({key.lower(): value for key, value in self.headers.items()})
            if name == "twilio":
                assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                said: Any = {key: value[0] for key, value in parse_qs(body.decode()).items()}
            else:
                assert self.headers["Content-Type"] == "application/json"
                said = json.loads(body)
            word = re.split(r"[ :]", title_of(name, said))[0]
            forced = played.answers.pop(0) if played.answers else None
            if played.refuses or forced is not None:
                played.refuses = max(0, played.refuses - 1)
                self._say(forced or 503, "")
            elif not is_known(played, self.path, self.headers["Authorization"] or ""):
                self._say(401, refusal(name, 401))
            elif word == "drop-before":
                self.close_connection = True
            elif word == "slow":
                time.sleep(0.4)  # longer than the test waits; the server is the slow one
            elif re.fullmatch(r"\d{3}", word):
                headers = {"Retry-After": "7"} if word == "429" else {}
                self._say(int(word), refusal(name, int(word)), headers)
            else:
                played.taken.append(said)
                if word == "drop-after":
                    self.close_connection = True
                else:
                    self._say(*success(name, len(played.taken), said))

        def _say(self, status: int, said: Any, headers: dict[str, str] | None = None) -> None:
            content = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(status)
            for header, value in (headers or {}).items():
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
        assert urlsplit(played.url).port
        yield played
    finally:
        server.shutdown()
        server.server_close()
