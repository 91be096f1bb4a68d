"""What a mail server says of a mail that it was given: lines that a judge reads later.

One line for each recipient of the envelope and each phase: begin (DATA was accepted), kept (all bytes are on disk),
replied (the answer has left; without a kept before it the mail was refused), cut (the connection ended before that).
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

from local.journal import Journal, machine_time

MOST_HEADERS = 64 * 1024
_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)[ \t]*\r\n", re.IGNORECASE | re.MULTILINE)


class Witness:
    """Notes what becomes of one mail, from DATA on. Its begin stands in the journal once its Message-ID is known."""

    def __init__(self, journal: Journal, recipients: Sequence[str]) -> None:
        self._journal = journal
        self._recipients = tuple(recipients)
        self._began_at = machine_time()
        self._head = b""
        self._key: str | None = None
        self._sha = ""

    def look(self, piece: bytes) -> None:
        """Takes the next bytes as they arrive, until they name the mail or the headers are over."""
        if self._key is not None:
            return
        self._head += piece
        headers, end, _ = self._head.partition(b"\r\n\r\n")
        found = _MESSAGE_ID.search(headers + end)
        if found or end or len(self._head) > MOST_HEADERS:
            self._begin(found[1].decode("ascii", "replace") if found else "")

    async def keep(self, content: bytes) -> None:
        """Returns once the mail counts as done: all its bytes were seen and that is on disk."""
        self._sha = hashlib.sha256(content.rstrip(b"\r\n")).hexdigest()
        self._note("kept", machine_time())
        await self._journal.synced()

    def end(self, phase: Literal["replied", "cut"]) -> None:
        """Notes how the conversation about this mail ended."""
        self._note(phase, machine_time())

    def _begin(self, key: str) -> None:
        self._key = key
        self._note("begin", self._began_at)

    def _note(self, phase: str, at: float) -> None:
        if self._key is None:
            self._begin("")
        for recipient in self._recipients:
            entry = {"sink": "smtp", "phase": phase, "key": self._key, "recipient": recipient}
            sha = "" if phase == "begin" else self._sha
            self._journal.note({"at": at, **entry, "sha": sha})
