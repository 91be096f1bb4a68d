"""A sink as a process of its own: it prints its port once it listens, and ends with the process that started it."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.processes import remove_folder


class Sink:
    """The parent's side: a Python module started on a folder, and killed when it is stopped.

    Without a folder what it keeps is temporary. It runs between `start` and `stop`, or for the length of a `with`.
    """

    def __init__(self, module: str, folder: Path | None, port: int, options: Sequence[str]) -> None:
        self._module = module
        self._is_temporary = folder is None
        self.folder = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="tocsin-sink-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self._options = [f"--folder={self.folder}", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Returns once it takes connections on `port`; 0 takes a free one. Raises RuntimeError when it can't listen."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, f"--port={self.port}", *self._options, "--until-stdin-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout
        first = self._process.stdout.readline()
        if not first:
            self.stop()
            raise RuntimeError(f"{self._module} did not start on port {self.port}")
        self.port = int(first)
        return self

    def stop(self) -> None:
        """Ends it; what it kept and the port number stay, so that `start` goes on. One that has ended stays ended."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def close(self) -> None:
        """Ends it and removes what it kept where that is temporary."""
        self.stop()
        if self._is_temporary:
            remove_folder(self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def add_options(parser: Any) -> None:
    """Adds what the parent passes on to every sink."""
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when standard input ends")


async def serve(server: asyncio.Server, *, is_child: bool) -> None:
    """Serves until cancelled, or as a child until standard input ends; the port goes to standard output."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def stdin_ended() -> None:
        if not os.read(sys.stdin.fileno(), 1) and not ended.done():
            ended.set_result(None)

    if is_child:
        loop.add_reader(sys.stdin, stdin_ended)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await ended
