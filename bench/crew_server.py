"""The crew that bench/crew.py asks, in a process of its own: it answers each call after so many seconds,
or after those that its address says (`?seconds=8`), and counts them."""

import asyncio
import json
import sys
import time

_ANSWER = json.dumps({"result": "a plan"}).encode()
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class Crew:
    """What was asked since the last look at `/seen?anew`: what is still open then belongs to nobody who is counted."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._turn = 0
        self._forget()

    def _forget(self) -> None:
        self._turn += 1
        self._open, self._answered, self._most, self._last = 0, 0, 0, 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(
            (line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:")), "0"
        )
        await reader.readexactly(int(length))
        if head.startswith("get /seen"):
            seen = {"answered": self._answered, "open": self._open, "mostOpen": self._most, "last": self._last}
            if "?anew" in head:
                self._forget()
            content = json.dumps(seen).encode()
        else:
            turn = self._turn
            self._open += 1
            self._most = max(self._most, self._open)
            asked = head.partition(" http/")[0].partition("seconds=")[2]
            await asyncio.sleep(float(asked or self._latency))
            if turn == self._turn:
                self._open -= 1
                self._answered, self._last = self._answered + 1, time.time()
            content = _ANSWER
        writer.write(_HEAD % len(content) + content)
        await writer.drain()
        writer.close()


async def _main(port: int, latency: float) -> None:
    server = await asyncio.start_server(Crew(latency).serve, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2])))
