"""A crew on loopback that takes its time: it counts whom it was asked about, and whom it answered to the last byte."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from threading import Thread
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

from db.query import QUERIES
from tests import make

Reply = tuple[int, bytes]
HANG: Reply = (0, b"")


class Crew:
    """An HTTP server on an event loop of its own; a call is about the user whom its goal names."""

    def __init__(self, latency: float = 0.0, spread: float = 0.0) -> None:
        self.latency, self.spread = latency, spread
        self.is_down = False
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.hung: Counter[str] = Counter()
        self.keys: dict[str, set[str]] = {}
        self.headers: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        self.paths: list[str] = []
        self.open = 0
        self.most_open = 0
        # What a call is answered, by its path and body; None: what a crew answers; HANG: nothing, for as long as it waits.
        self.script: Callable[[str, Any], Reply | None] = lambda *_: None
        # Who answers the calls about a user by itself, such as one byte a second.
        self.by_hand: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""
        self.port = 0

    def start(self) -> None:
        """Listens on a free port."""
        self._thread.start()
        self.listen()
        self.url = f"http://127.0.0.1:{self.port}/run-crew"

    def listen(self) -> None:
        """Listens, on the port that it had."""
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=2048), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Takes no connection more until it listens again."""
        self._loop.call_soon_threadsafe(self._server.close)

    def stop(self) -> None:
        """Closes it, with all calls that are open."""

        async def end() -> None:
            self._server.close()
            mine = asyncio.current_task()
            for task in asyncio.all_tasks():
                if task is not mine:
                    task.cancel()
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.strip().split("\r\n")
        path = first.split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        body = json.loads(content) if content else None
        self.headers.append(headers)
        self.bodies.append(body)
        self.paths.append(path)
        about = (body or {}).get("customer_goal_latest", path)
        self.asked[about] += 1
        self.keys.setdefault(about, set()).add(headers.get("idempotency-key", ""))
        if about in self.by_hand:
            await self.by_hand[about](writer)
            return
        if self.latency:
            with contextlib.suppress(TimeoutError):
                share = crc32(about.encode()) % 1000 / 500 - 1
                await asyncio.wait_for(reader.read(1), self.latency * (1 + self.spread * share))
                return  # whoever asked is gone, and hears nothing
        given = (503, b"away") if self.is_down else self.script(path, body)
        if given is HANG:
            self.hung[about] += 1
            await reader.read(1)
            return
        status, answer = given or (200, json.dumps({"about": about, "result": "a plan"}).encode())
        writer.write(
            b"HTTP/1.1 %d .\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(answer))
            + answer
        )
        await writer.drain()
        (self.answered if status == 200 else self.refused)[about] += 1


@contextlib.contextmanager
def open_crew(latency: float = 0.0, spread: float = 0.0) -> Iterator[Crew]:
    """A crew at work, whose answers take `latency` seconds, each up to a share of it more or less."""
    crew = Crew(latency, spread)
    crew.start()
    try:
        yield crew
    finally:
        crew.stop()


def users(conn: make.Connection, tenant: UUID, count: int, first: int = 0) -> None:
    """So many users, each of whose goal is their uid."""
    conn.execute(
        "insert into users (tenant_id, uid, context, goal, priority) "
        "select %s, 'user-' || lpad(n::text, 6, '0'), 'sells ' || n, 'user-' || lpad(n::text, 6, '0'), 5 "
        "from generate_series(%s::int, %s::int) as n",
        (tenant, first, first + count - 1),
    )


def endpoint(conn: make.Connection, tenant: UUID, url: str, **columns: Any) -> UUID:
    """An endpoint of that address."""
    row: dict[str, Any] = {"id": uuid4(), "tenant_id": tenant, "name": "crew", "url": url, "concurrency": 50} | columns
    make.insert(conn, "crew_endpoints", row)
    return UUID(str(row["id"]))


def asked_at(conn: make.Connection, tenant: UUID) -> dict[str, str]:
    """By its uid, the name of the endpoint at which a new crew run asks about each user whom it asks about."""
    slot = make.now(conn)
    run = make.run(conn, tenant, kind="crew.call", state="running", fence=1, attempt=1, slot_at=slot, started_at=slot)
    place = {"after_priority": -1, "after_uid": "", "place": 0, "room": 1000}
    page = {"run_id": run, "slot_at": slot, "fence": 1, "segments": None, "endpoints": None}
    conn.execute((QUERIES / "insert_crew_runs.sql").read_bytes(), page | place)
    return dict(
        conn.execute(
            "select r.item_key, e.name from runs as r "
            "inner join crew_endpoints as e on e.id = (r.params ->> 'endpointId')::uuid where r.parent_run_id = %s",
            (run,),
        ).fetchall()
    )
