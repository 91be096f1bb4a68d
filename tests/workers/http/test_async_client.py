"""The client of one event loop reaches, refuses and names as the client of threads does."""

import asyncio
import socket
import time

import pytest

from tests.workers.http.test_client import _dripping
from tests.workers.wire import LOOPBACK, http_server, raw_server
from workers.addresses import Forbidden
from workers.async_http import AsyncClient
from workers.http import BadUrl, Response, TooLarge, TooSlow, Unreachable


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
