"""A way in by TLS to a server that has none, with a certificate that nobody vouches for."""

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.workers.wire import certificate

_ASKS_FOR_TLS = 8  # bytes of Postgres's request for it, which comes before the handshake


class Front:
    """Terminates TLS on 127.0.0.1 and passes on what is said, to any number of servers."""

    def __init__(self, folder: Path) -> None:
        self._context = certificate(folder).server
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def to(self, url: str) -> str:
        """The address by which a client comes by TLS to the server of that address."""
        parts = urlsplit(url)
        is_redis = parts.scheme == "redis"

        async def open_() -> int:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    if not is_redis:
                        await reader.readexactly(_ASKS_FOR_TLS)
                        writer.write(b"S")
                        await writer.start_tls(self._context)
                    beyond_reader, beyond_writer = await asyncio.open_connection(parts.hostname, parts.port)
                    await asyncio.gather(_pass_on(reader, beyond_writer), _pass_on(beyond_reader, writer))

            context = self._context if is_redis else None
            self._servers.append(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
            port: int = self._servers[-1].sockets[0].getsockname()[1]
            return port

        port = asyncio.run_coroutine_threadsafe(open_(), self._loop).result(10)
        user = parts.netloc.rpartition("@")[0]
        scheme = "rediss" if is_redis else "postgres"
        return parts._replace(scheme=scheme, netloc=f"{user}@127.0.0.1:{port}").geturl()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        async def end() -> None:
            for server in self._servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while said := await reader.read(65536):
            writer.write(said)
            await writer.drain()
    writer.close()
