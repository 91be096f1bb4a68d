"""The mail server's process: it speaks real SMTP and misbehaves on request, by the recipient's local part.

A `+tag` after it is free:

    451@ 550@ ...        that code is the answer to RCPT; after 421 the connection is closed
    451-once@            the same for the first time that this recipient is named, then it is accepted
    550-after-dot@       that code is the answer to the mail itself, which is not kept
    drop-before-dot@     the connection is closed at DATA
    drop-after-dot@      the mail is kept, the connection closed without an answer
    hang-after-dot@      the mail is kept, no answer ever comes
    slow-250@            the mail is kept, the answer comes 250 ms later

A mail is on disk (a file NNNN.eml and a line in mails.jsonl) before its 250 goes out. With `--events`, so is what
local/witness.py tells about it; `--no-files` then leaves the files out, for as many mails as a disk can sync.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.journal import EVENTS, Journal
from local.sink_process import add_options, serve
from local.witness import Witness

LARGEST_MAIL = 64 * 1024 * 1024
INDEX = "mails.jsonl"


class _Store:
    """What aiosmtpd asks for each recipient and each mail. Without a folder no files are kept."""

    def __init__(self, folder: Path | None, delay_seconds: float) -> None:
        self._folder = folder
        self._delay_seconds = delay_seconds
        index = folder / INDEX if folder else None
        self._count = len(index.read_text().splitlines()) if index and index.exists() else 0
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

    async def handle_DATA(self, server: "_Server", _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        behaviours = [_behaviour(address) for address in envelope.rcpt_tos]
        refused = [told[1] for each in behaviours if (told := re.fullmatch(r"([45]\d\d)-after-dot", each))]
        if refused:
            return f"{refused[0]} refused as the recipient's name asks"
        name = self._keep(envelope)
        if server.witness:
            await server.witness.keep(envelope.original_content or b"")
        if "drop-after-dot" in behaviours:
            _hang_up(server)
        if "hang-after-dot" in behaviours:
            await asyncio.Event().wait()
        delays = [int(told[1]) / 1000 for each in behaviours if (told := re.fullmatch(r"slow-(\d+)", each))]
        await asyncio.sleep(max(delays, default=self._delay_seconds))
        return f"250 kept as {name}"

    def _keep(self, envelope: Envelope) -> str:
        self._count += 1
        name = f"{self._count:04}.eml"
        if self._folder:
            entry = {"file": name, "envelope_from": envelope.mail_from or "", "recipients": envelope.rcpt_tos}
            _write(self._folder / name, "xb", envelope.original_content or b"")
            _write(self._folder / INDEX, "ab", json.dumps(entry).encode() + b"\n")
        return name


class _Server(SMTP):
    """aiosmtpd's server, with a way to fail between DATA and the mail, and a witness to what becomes of each mail."""

    def __init__(self, store: _Store, journal: Journal | None) -> None:
        super().__init__(store, hostname="tocsin.localhost", data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True)
        self._journal = journal
        self.witness: Witness | None = None

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd calls
        recipients = self.envelope.rcpt_tos if self.envelope else []
        if any(_behaviour(address) == "drop-before-dot" for address in recipients):
            _hang_up(self)
        elif self._journal and recipients and not arg:
            await self._witnessed(Witness(self._journal, recipients))
        else:
            await super().smtp_DATA(arg)

    async def _witnessed(self, witness: Witness) -> None:
        self.witness = witness
        is_answered = False
        try:
            await super().smtp_DATA("")
            is_answered = self.transport is not None and not self.transport.is_closing()
        finally:
            self.witness = None
            witness.end("replied" if is_answered else "cut")

    def data_received(self, data: bytes) -> None:
        """Shows what arrives to the witness, for whom a mail that is cut off has a Message-ID too."""
        if self.witness:
            self.witness.look(data)
        super().data_received(data)


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


async def _listen(store: _Store, journal: Journal | None, port: int, *, is_child: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Server(store, journal), "127.0.0.1", port, backlog=1024)
    await serve(server, is_child=is_child)


def main(argv: list[str] | None = None) -> None:
    """Serves until the end that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m local.mail_server", description="A mail server that keeps files.")
    add_options(parser)
    parser.add_argument("--folder", type=Path, required=True, help="where the mails go")
    parser.add_argument("--events", action="store_true", help=f"witness what happens to each mail in {EVENTS}")
    parser.add_argument("--no-files", action="store_true", help="keep no mail, only what is witnessed of it")
    parser.add_argument("--delay-ms", type=int, default=0, help="between the final dot and the answer to it")
    told: Any = parser.parse_args(argv)
    if told.no_files and not told.events:
        parser.error("--no-files needs --events: a mail that is kept nowhere must not be answered")
    told.folder.mkdir(parents=True, exist_ok=True)
    store = _Store(None if told.no_files else told.folder, told.delay_ms / 1000)
    with contextlib.ExitStack() as closing:
        closing.enter_context(contextlib.suppress(KeyboardInterrupt))
        journal = closing.enter_context(Journal(told.folder / EVENTS)) if told.events else None
        asyncio.run(_listen(store, journal, told.port, is_child=told.until_stdin_ends))


if __name__ == "__main__":
    main()
