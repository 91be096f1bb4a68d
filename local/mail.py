"""A mail server on this machine that keeps every mail as a file: where the demo's and the tests' mail goes.

It speaks real SMTP and misbehaves on request, by the recipient's local part (a `+tag` after it is free):

    451@ 550@ ...        that code is the answer to RCPT; after 421 the connection is closed
    451-once@            the same for the first time that this recipient is named, then it is accepted
    550-after-dot@       that code is the answer to the mail itself, which is not kept
    drop-before-dot@     the connection is closed at DATA
    drop-after-dot@      the mail is kept, the connection closed without an answer
    hang-after-dot@      the mail is kept, no answer ever comes
    slow-250@            the mail is kept, the answer comes 250 ms later

A mail is on disk (a file NNNN.eml and a line in mails.jsonl) before its 250 goes out.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.processes import remove_folder

LARGEST_MAIL = 64 * 1024 * 1024
INDEX = "mails.jsonl"
PROGRAM = (sys.executable, "-m", "local.mail")
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


class MailSink:
    """A mail server in a process of its own that ends with ours. Without a folder the mails are temporary."""

    def __init__(self, folder: Path | None = None, *, port: int = 0) -> None:
        self._is_temporary = folder is None
        self.folder = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="tocsin-mail-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._forgotten = 0

    @property
    def url(self) -> str:
        """The address for MAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Returns once the server takes connections. Raises RuntimeError when it can't listen."""
        self._process = subprocess.Popen(
            [*PROGRAM, f"--port={self.port}", f"--folder={self.folder}", "--until-stdin-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout
        first = self._process.stdout.readline()
        if not first:
            raise RuntimeError(f"the mail server did not start on port {self.port}")
        self.port = int(first)
        return self

    def stop(self) -> None:
        """Ends the server; the mails and the port number stay, so that `start` goes on."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def close(self) -> None:
        """Ends the server and removes the mails where they are temporary."""
        self.stop()
        if self._is_temporary:
            remove_folder(self.folder)

    def mails(self) -> list[Mail]:
        """What arrived since the start or since `forget`, in order."""
        index = self.folder / INDEX
        # A line without its end is still being written.
        lines = index.read_text().split("\n")[:-1] if index.exists() else []
        return [_read(self.folder, line) for line in lines[self._forgotten :]]

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

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _read(folder: Path, line: str) -> Mail:
    entry = json.loads(line)
    file = folder / entry["file"]
    return Mail(entry["envelope_from"], tuple(entry["recipients"]), file.read_bytes(), file)


class _Store:
    """What aiosmtpd asks for each recipient and each mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = folder / INDEX
        self._count = len(self._index.read_text().splitlines()) if self._index.exists() else 0
        self._seen: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = re.fullmatch(r"([45]\d\d)(-once)?", _behaviour(address))
        if told and not (told[2] and address in self._seen):
            self._seen.add(address)
            if told[1] == "421":
                asyncio.get_running_loop().call_soon(_hang_up, server)
            return f"{told[1]} refused as the recipient's name asks"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        behaviours = [_behaviour(address) for address in envelope.rcpt_tos]
        refused = [told[1] for each in behaviours if (told := re.fullmatch(r"([45]\d\d)-after-dot", each))]
        if refused:
            return f"{refused[0]} refused as the recipient's name asks"
        name = self._keep(envelope)
        if "drop-after-dot" in behaviours:
            _hang_up(server)
        if "hang-after-dot" in behaviours:
            await asyncio.Event().wait()
        delays = [int(told[1]) for each in behaviours if (told := re.fullmatch(r"slow-(\d+)", each))]
        await asyncio.sleep(max(delays, default=0) / 1000)
        return f"250 kept as {name}"

    def _keep(self, envelope: Envelope) -> str:
        self._count += 1
        name = f"{self._count:04}.eml"
        entry = {"file": name, "envelope_from": envelope.mail_from or "", "recipients": envelope.rcpt_tos}
        _write(self._folder / name, "xb", envelope.original_content or b"")
        _write(self._index, "ab", json.dumps(entry).encode() + b"\n")
        return name


class _Server(SMTP):
    """aiosmtpd's server, with a way to fail between DATA and the mail."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd calls
        recipients = self.envelope.rcpt_tos if self.envelope else []
        if any(_behaviour(address) == "drop-before-dot" for address in recipients):
            _hang_up(self)
        else:
            await super().smtp_DATA(arg)


def _behaviour(address: str) -> str:
    return re.split(r"[+@]", address, maxsplit=1)[0].lower()


def _hang_up(server: SMTP) -> None:
    if server.transport:
        server.transport.close()


def _write(file: Path, mode: str, content: bytes) -> None:
    with file.open(mode) as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


async def serve(folder: Path, port: int, *, is_child: bool) -> None:
    """Listens until cancelled, or as a child until standard input ends; the port goes to standard output."""
    store = _Store(folder)
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        return _Server(store, hostname="tocsin.localhost", data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True)

    server = await loop.create_server(connection, "127.0.0.1", port)
    ended: asyncio.Future[None] = loop.create_future()

    def stdin_ended() -> None:
        if not os.read(sys.stdin.fileno(), 1) and not ended.done():
            ended.set_result(None)

    if is_child:
        loop.add_reader(sys.stdin, stdin_ended)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await ended


def main(argv: list[str] | None = None) -> None:
    """Serves until the end that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m local.mail", description="A mail server that keeps files.")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--folder", type=Path, required=True, help="where the mails go")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when standard input ends")
    told: Any = parser.parse_args(argv)
    told.folder.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(serve(told.folder, told.port, is_child=told.until_stdin_ends))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
