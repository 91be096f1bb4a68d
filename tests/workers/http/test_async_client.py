"""The client of one event loop reaches, refuses and names as the client of threads does."""

import asyncio
import socket
import time

import pytest

from tests.workers.http.test_client import _dripping
from tests.workers.wire import LOOPBACK, http_server, raw_server
from workers.addresses import Forbidden
from workers.async_http import AsyncClient
from workers.held import Memory
from workers.http import BadUrl, Crowded, Response, TooLarge, TooSlow, Unreachable


def call(client: AsyncClient, url: str, method: str = "POST", *, seconds: float = 5.0, most: int = 10_000) -> Response:
    headers = {"Authorization": "hush"}
    return asyncio.run(client.request(method, url, headers=headers, timeout_seconds=seconds, max_bytes=most))


def test_loopback_is_forbidden_unless_it_is_opened() -> None:
    with http_server() as server:
        with pytest.raises(Forbidden, match="TOCSIN_EGRESS_ALLOW"):
            call(AsyncClient(), server.url)
        assert server.seen == []
        assert call(AsyncClient(allowed=LOOPBACK), server.url).status == 200
    assert [seen.headers["host"] for seen in server.seen] == [server.url.removeprefix("http://")]


@pytest.mark.parametrize(
    "url", ["http://[::ffff:7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://169.254.169.254/", "http://localhost/"]
)
def test_an_address_of_the_inside_is_forbidden_however_it_is_written(url: str) -> None:
    with pytest.raises(Forbidden):
        call(AsyncClient(), url)


@pytest.mark.parametrize("port", [22, 5432, 6379])
def test_a_port_that_is_not_the_webs_is_forbidden(port: int) -> None:
    with pytest.raises(Forbidden, match=f"port {port}"):
        call(AsyncClient(), f"http://8.8.8.8:{port}/")


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://user:hush@example.com/", "http://example.com\\@x/"])
def test_a_url_that_is_none_of_the_webs_is_bad(url: str) -> None:
    with pytest.raises(BadUrl) as caught:
        call(AsyncClient(), url)
    assert "hush" not in str(caught.value)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with http_server(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"}) as server:
        assert call(AsyncClient(allowed=LOOPBACK), server.url, "GET").status == 302
    assert len(server.seen) == 1


def test_a_large_answer_is_cut_and_its_status_kept() -> None:
    with http_server(200, b"x" * 50_000) as server, pytest.raises(TooLarge, match="10000 bytes") as caught:
        call(AsyncClient(allowed=LOOPBACK), server.url)
    assert (caught.value.response.status, len(caught.value.response.content)) == (200, 10_000)


def test_dripping_ends_at_the_total_deadline() -> None:
    script = _dripping(b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    started = time.monotonic()
    with raw_server(script) as port, pytest.raises(TooSlow):  # type: ignore[arg-type]
        call(AsyncClient(allowed=LOOPBACK), f"http://127.0.0.1:{port}", seconds=0.3)
    assert time.monotonic() - started < 3


def test_errors_name_the_origin_and_no_secret() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        call(AsyncClient(allowed=LOOPBACK), f"http://127.0.0.1:{port}/hush?token=hush")
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_many_large_answers_at_once_are_all_read_in_little_memory() -> None:
    many, size, most = 40, 500_000, 2_000_000

    async def read_all(url: str) -> tuple[list[Response], int]:
        client = AsyncClient(allowed=LOOPBACK, most_held=most)
        calls = (client.request("GET", url, headers={}, timeout_seconds=20.0) for _ in range(many))
        return await asyncio.gather(*calls), client.memory.peak

    with http_server(200, b"x" * size) as server:
        found, peak = asyncio.run(read_all(server.url))
    assert [len(each.content) for each in found] == [size] * many
    assert peak <= most + size + many * 65_536, "one goes beyond, and the others have a piece each"


def test_whoever_finds_no_room_hears_that_and_not_that_the_endpoint_is_slow() -> None:
    async def ask_both() -> tuple[object, Response]:
        has_both, is_read = asyncio.Event(), asyncio.Event()
        asked = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.append(1)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + b"x" * 100)
            if len(asked) == 1:
                has_both.set()
                await is_read.wait()
            writer.write(b"x" * 100)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        client = AsyncClient(allowed=LOOPBACK, most_held=10)
        first = asyncio.ensure_future(client.request("GET", url, headers={}, timeout_seconds=20.0))
        await has_both.wait()
        while not client.memory.peak:  # noqa: ASYNC110  its first piece is on its way
            await asyncio.sleep(0.001)
        second = await asyncio.gather(
            client.request("GET", url, headers={}, timeout_seconds=0.2), return_exceptions=True
        )
        is_read.set()
        answered = await first
        # There is room again.
        assert len((await client.request("GET", url, headers={}, timeout_seconds=20.0)).content) == 200
        server.close()
        return second[0], answered

    refused, answered = asyncio.run(ask_both())
    assert isinstance(refused, Crowded), refused
    assert len(answered.content) == 200


class Kept:
    """Something that takes memory until nobody knows it."""


def test_what_was_read_takes_its_room_until_it_is_stored() -> None:
    async def wait_for_room() -> None:
        memory, reader, kept = Memory(10), object(), Kept()
        memory.hold(reader, 5)
        memory.keep(kept, 20)
        assert memory.has_room(reader), "the first goes on"
        other = object()
        waiting = asyncio.ensure_future(memory.room(other))
        await asyncio.sleep(0)
        assert not waiting.done()
        del kept
        await asyncio.wait_for(waiting, 5)

    asyncio.run(wait_for_room())
