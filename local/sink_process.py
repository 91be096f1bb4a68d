"""A sink as a process of its own: it prints its port once it listens, and ends with the process that started it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any


class SinkProcess:
    """The parent's side: a Python module started with its options, and killed when it is stopped."""

    def __init__(self, module: str, options: Sequence[str]) -> None:
        self._module = module
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, port: int) -> int:
        """Returns the port that it listens on, once it does; 0 takes a free one. Raises RuntimeError when it can't."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, f"--port={port}", *self._options, "--until-stdin-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout
        first = self._process.stdout.readline()
        if not first:
            self.stop()
            raise RuntimeError(f"{self._module} did not start on port {port}")
        return int(first)

    def stop(self) -> None:
        """Ends it; one that has ended stays ended."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


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
