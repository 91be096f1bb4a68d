"""A mail server on this machine that keeps every mail: where the demo's and the tests' mail goes.

How it misbehaves on request, and what it witnesses, is told in local/mail_server.py.
"""

import email
import email.policy
import json
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from local.journal import read_lines
from local.mail_server import INDEX
from local.sink_process import Sink

_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the server got it: the envelope and the bytes between DATA and the final dot."""

    envelope_from: str
    recipients: tuple[str, ...]
    content: bytes
    file: Path

    @property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


class MailSink(Sink):
    """A mail server in a process of its own that ends with ours.

    With `events` what happens to each mail is witnessed in events.jsonl; without `files` that is all that is kept,
    and `mails` is empty. `delay_ms` lies between the final dot and every answer to it.
    """

    def __init__(
        self, folder: Path | None = None, *, port: int = 0, events: bool = False, files: bool = True, delay_ms: int = 0
    ) -> None:
        more = ["--events"] if events else []
        more += [] if files else ["--no-files"]
        super().__init__("local.mail_server", folder, port, [f"--delay-ms={delay_ms}", *more])
        self._forgotten = 0

    @property
    def url(self) -> str:
        """The address for MAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def mails(self) -> list[Mail]:
        """What arrived since the start or since `forget`, in order."""
        return [_read(self.folder, line) for line in read_lines(self.folder / INDEX)[self._forgotten :]]

    def wait_for(self, count: int, timeout: float = 10) -> list[Mail]:
        """The mails, once there are at least `count`. Raises TimeoutError, saying what there is."""
        until = time.monotonic() + timeout
        while len(found := self.mails()) < count:
            if time.monotonic() > until:
                there = ", ".join(" ".join(mail.recipients) for mail in found) or "none"
                raise TimeoutError(f"{len(found)} of {count} mails after {timeout} s; there are: {there}")
            time.sleep(_BETWEEN_LOOKS)
        return found

    def forget(self) -> None:
        """Makes `mails` begin after what is there now."""
        self._forgotten += len(self.mails())


def _read(folder: Path, line: str) -> Mail:
    entry = json.loads(line)
    file = folder / entry["file"]
    return Mail(entry["envelope_from"], tuple(entry["recipients"]), file.read_bytes(), file)
