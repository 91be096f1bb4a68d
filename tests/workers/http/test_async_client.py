"""The client of one event loop reaches, refuses and names as the client of threads does."""

import asyncio
import gc
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from pathlib import Path

import pytest

from tests.workers.http.test_client import _dripping
from tests.workers.wire import LOOPBACK, certificate, http_server, raw_server
from workers.addresses import Forbidden
from workers.async_http import AsyncClient
from workers.exchange import Exchange
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


def test_what_is_asked_arrives_as_it_was_said() -> None:
    with http_server(201, b"made", {"X-Kind": "test"}) as server:
        client = AsyncClient(allowed=LOOPBACK)
        asked = client.request(
            "POST", f"{server.url}/path?q=1", headers={"X-Mine": "yes"}, content=b"body", timeout_seconds=5.0
        )
        response = asyncio.run(asked)
    assert (response.status, response.content, response.headers["x-kind"]) == (201, b"made", "test")
    [seen] = server.seen
    assert (seen.method, seen.path, seen.body, seen.headers["x-mine"]) == ("POST", "/path?q=1", b"body", "yes")
    assert seen.headers["user-agent"] == "Tocsin"


@pytest.mark.parametrize(
    "headers", [{"X-Mine": "a\r\nX-Other: b"}, {"X Mine": "a"}, {"X-Mine:": "a"}, {"X-Mine": "\xe4"}]
)
def test_a_header_that_is_none_is_not_sent(headers: dict[str, str]) -> None:
    with http_server() as server:
        client = AsyncClient(allowed=LOOPBACK)
        with pytest.raises(BadUrl):
            asyncio.run(client.request("GET", server.url, headers=headers, timeout_seconds=5.0))
    assert server.seen == []


def _says(*pieces: bytes) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(65_536)
        for piece in pieces:
            connection.sendall(piece)

    return script


_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more"],
        [b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r", b"\nhe", b"llo"],
        [b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"],
        [b"HTTP/1.0 200\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"],
        [_CHUNKED, b"2\r\nhe\r\n3 \r\n", b"llo\r\n0\r\nX-Late: yes\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ],
    ids=["length", "pieces", "until closed", "old", "bare lines", "one will come", "chunks", "chunks and a length"],
)
def test_an_answer_is_read_however_its_end_is_told(pieces: list[bytes]) -> None:
    with raw_server(_says(*pieces)) as port:
        answer = call(AsyncClient(allowed=LOOPBACK), f"http://127.0.0.1:{port}")
    assert (answer.status, answer.content, "x-late" in answer.headers) == (200, b"hello", False)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\r\nContent-Le"],
        [_CHUNKED, b"5\r\nhello\r\n"],
        [_CHUNKED, b"five\r\nhello\r\n0\r\n\r\n"],
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello"],
    ],
    ids=["nothing", "cut", "half a head", "cut chunks", "no chunks", "not the web's", "another protocol"],
)
def test_an_answer_that_is_none_is_no_answer(pieces: list[bytes]) -> None:
    with raw_server(_says(*pieces)) as port, pytest.raises(Unreachable):
        call(AsyncClient(allowed=LOOPBACK), f"http://127.0.0.1:{port}", most=2_000_000)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"x" * 8000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 8000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 400),
        (_CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-Late: " + b"x" * 8000 + b"\r\n"),
        (_CHUNKED + b"5;x=", b"x" * 8000),
    ],
    ids=["heads", "a header", "what is none yet", "trailers", "what is said of a chunk"],
)
def test_what_goes_on_for_ever_beside_the_content_is_cut(head: bytes, piece: bytes) -> None:
    sent: list[bytes] = []

    def script(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(head)
        for each in repeat(piece, 10_000):
            connection.sendall(each)
            sent.append(each)

    with raw_server(script) as port, pytest.raises(Unreachable):
        call(AsyncClient(allowed=LOOPBACK), f"http://127.0.0.1:{port}", seconds=20.0)
    assert len(sent) < 10_000, "the connection is closed on the way"


def test_a_certificate_is_verified_against_the_name(tmp_path: Path) -> None:
    made, other = certificate(tmp_path), certificate(tmp_path, "other.example.com")
    with http_server(200, b"x" * 200_000, tls=made.server) as server:
        with pytest.raises(Unreachable, match="certificate"):
            call(AsyncClient(allowed=LOOPBACK), server.url)
        friend = AsyncClient(allowed=LOOPBACK, ssl_context=made.client)
        assert len(call(friend, server.url, most=300_000).content) == 200_000
    with http_server(tls=other.server) as server, pytest.raises(Unreachable, match="certificate"):
        call(AsyncClient(allowed=LOOPBACK, ssl_context=other.client), server.url)


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


@pytest.mark.parametrize("length", [b"5", b"9"], ids=["whole", "cut"])
def test_what_was_read_is_gone_once_nobody_needs_it(length: bytes) -> None:
    async def ask(url: str) -> int:
        with suppress(Unreachable):
            await AsyncClient(allowed=LOOPBACK).request("GET", url, headers={}, timeout_seconds=5.0)
        await asyncio.sleep(0)  # the transport lets go of it
        return sum(isinstance(each, Exchange) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        with raw_server(_says(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nhello")) as port:
            assert asyncio.run(ask(f"http://127.0.0.1:{port}")) == 0
    finally:
        gc.enable()


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
