import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.workers.wire import LOOPBACK, certificate, http_server, raw_server
from workers.addresses import Forbidden
from workers.http import BadUrl, Client, TooLarge, TooSlow, Unreachable, check_url


@pytest.fixture
def client() -> Iterator[Client]:
    with closing(Client(allowed=LOOPBACK)) as one:
        yield one


def test_an_answer_comes_back_with_status_headers_and_bytes(client: Client) -> None:
    with http_server(201, b"made", {"X-Kind": "test"}) as server:
        response = client.post(f"{server.url}/path?q=1", headers={"X-Mine": "yes"}, content=b"body")
    assert (response.status, response.content, response.headers["x-kind"]) == (201, b"made", "test")
    [seen] = server.seen
    assert (seen.method, seen.path, seen.body, seen.headers["x-mine"]) == ("POST", "/path?q=1", b"body", "yes")
    assert seen.headers["host"] == server.url.removeprefix("http://")


def test_loopback_is_forbidden_unless_it_is_opened() -> None:
    with http_server() as server, closing(Client()) as closed:
        with pytest.raises(Forbidden, match="TOCSIN_EGRESS_ALLOW"):
            closed.post(server.url)
        assert server.seen == []


def test_a_redirect_is_an_answer_and_is_not_followed(client: Client) -> None:
    with http_server(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"}) as server:
        assert client.request("GET", server.url).status == 302
    assert len(server.seen) == 1


def test_the_name_is_resolved_once_so_a_second_answer_can_not_lead_elsewhere(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        if host == "127.0.0.1":  # the connection to the checked address; a number is looked up nowhere
            return [(socket.AF_INET, 1, 6, "", (host, port))]
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (one, port)) for one in next(answers)]

    with http_server() as server:
        port = server.url.rpartition(":")[2]
        # The name below exists nowhere: reaching the server proves that the checked address was the one connected to.
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        assert client.request("GET", f"http://rebinding.example.com:{port}/").status == 200
    assert asked == ["rebinding.example.com"]
    assert server.seen[0].headers["host"] == f"rebinding.example.com:{port}"


def test_proxy_settings_and_netrc_are_not_read(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with http_server() as server, closing(Client(allowed=LOOPBACK)) as fresh:
        assert fresh.request("GET", server.url).status == 200
    assert "authorization" not in server.seen[0].headers


def test_a_cookie_is_not_kept(client: Client) -> None:
    with http_server(200, b"", {"Set-Cookie": "tenant=a; Path=/"}) as server:
        client.request("GET", server.url)
        client.request("GET", server.url)
    assert all("cookie" not in seen.headers for seen in server.seen)


def test_a_large_answer_is_cut_and_its_status_kept(client: Client) -> None:
    with http_server(200, b"x" * 50_000) as server, pytest.raises(TooLarge, match="10000 bytes") as caught:
        client.request("GET", server.url, max_bytes=10_000)
    assert (caught.value.response.status, len(caught.value.response.content)) == (200, 10_000)


def test_a_compressed_answer_is_not_unpacked(client: Client) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    with http_server(200, bomb, {"Content-Encoding": "gzip"}) as server:
        assert client.request("GET", server.url, max_bytes=10_000).content == bomb
    assert server.seen[0].headers["accept-encoding"] == "identity"


def _dripping(part: bytes, first: bytes = b"") -> object:
    def script(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(first)
        while True:
            connection.sendall(part)
            time.sleep(0.02)

    return script


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_dripping(b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), id="body"),
        pytest.param(_dripping(b"x", b"HTTP/1.1 200 OK\r\nX-Slow: "), id="headers"),
        pytest.param(_dripping(b"HTTP/1.1 100 Continue\r\n\r\n"), id="100-continue without end"),
        pytest.param(_dripping(b""), id="nothing"),
    ],
)
def test_dripping_ends_at_the_total_deadline(client: Client, script: object) -> None:
    started = time.monotonic()
    with raw_server(script) as port, pytest.raises(TooSlow):  # type: ignore[arg-type]
        client.post(f"http://127.0.0.1:{port}", content=b"x", timeout_seconds=0.3)
    assert 0.25 < time.monotonic() - started < 2


def test_a_server_that_reads_nothing_ends_at_the_deadline(client: Client) -> None:
    is_over = threading.Event()

    def sit_there(_: socket.socket) -> None:
        is_over.wait(10)

    with raw_server(sit_there) as port, pytest.raises(TooSlow):
        client.post(f"http://127.0.0.1:{port}", content=b"x" * 20_000_000, timeout_seconds=0.3)
    is_over.set()


def _saying(text: bytes) -> object:
    def script(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)

    return script


@pytest.mark.parametrize(
    "text", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"220 mail.example.com\r\n"]
)
def test_a_broken_answer_is_unreachable(client: Client, text: bytes) -> None:
    with raw_server(_saying(text)) as port, pytest.raises(Unreachable):  # type: ignore[arg-type]
        client.post(f"http://127.0.0.1:{port}")


def test_a_closed_port_is_unreachable_and_says_why(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="connection refused"):
        client.post(f"http://127.0.0.1:{port}")


def test_errors_name_the_origin_and_no_secret(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        client.post(f"http://127.0.0.1:{port}/services/T0/hush?token=hush", headers={"Authorization": "hush"})
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_logs_the_url(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with http_server() as server:
        client.request("GET", f"{server.url}/hush?token=hush")
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "//example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "ftp://example.com",
        "data:text/plain,x",
        "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
        "http://",
        "http:///path",
        "http://good@127.0.0.1/",
        "http://user:hush@example.com/",
        "http://@example.com/",
        "http://good.com\\@127.0.0.1/",
        "http://127.0.0.1#@good.com/",
        "http://127.0.0.1\t/",
        "http://example.com/\r\nX-Injected: 1",
        "http://127。0。0。1/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://[::1/",
        "http://example.com/" + "x" * 3000,
    ],
)
def test_a_url_that_two_readers_could_take_apart_is_bad(url: str, client: Client) -> None:
    with pytest.raises(BadUrl) as caught:
        check_url(url)
    assert "hush" not in str(caught.value)
    with pytest.raises(BadUrl):
        client.post(url)


@pytest.mark.parametrize("url", ["http://[::ffff:7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/"])
def test_a_url_with_a_closed_address_is_forbidden_when_it_is_called(url: str) -> None:
    with closing(Client()) as closed, pytest.raises(Forbidden):
        closed.post(check_url(url))


@pytest.mark.parametrize("port", [22, 25, 110, 2375, 5432, 6379, 9200, 11211])
def test_a_port_that_is_not_the_webs_is_forbidden(port: int) -> None:
    with closing(Client()) as closed, pytest.raises(Forbidden, match=f"port {port}"):
        closed.post(f"http://8.8.8.8:{port}/")


def test_a_certificate_is_verified_against_the_name(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    with http_server(tls=made.server) as server:
        with closing(Client(allowed=LOOPBACK)) as stranger, pytest.raises(Unreachable, match="certificate"):
            stranger.post(server.url)
        with closing(Client(allowed=LOOPBACK, ssl_context=made.client)) as friend:
            assert friend.post(server.url).status == 200
    other = certificate(tmp_path, "other.example.com")
    friend = Client(allowed=LOOPBACK, ssl_context=other.client)
    with http_server(tls=other.server) as server, closing(friend), pytest.raises(Unreachable, match="certificate"):
        friend.post(server.url)


def test_each_call_is_observed_once_with_its_outcome() -> None:
    seen: list[tuple[str, str]] = []

    def observe(kind: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        seen.append((kind, outcome))

    with closing(Client(allowed=LOOPBACK, observe=observe)) as watched, http_server(503, b"x" * 100) as server:
        watched.post(server.url, kind="http.call")
        for options, error in (({"max_bytes": 10}, TooLarge), ({"timeout_seconds": 0}, TooSlow)):
            with pytest.raises(error):
                watched.post(server.url, kind="http.call", **options)
        with pytest.raises(Forbidden):
            watched.post("http://10.0.0.1", kind="crew.call")
    assert seen == [
        ("http.call", "5xx"),
        ("http.call", "too_large"),
        ("http.call", "too_slow"),
        ("crew.call", "forbidden"),
    ]


def test_one_client_serves_many_threads_at_once(client: Client) -> None:
    with http_server(200, b"ok") as server, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: client.post(f"{server.url}/{n}", content=b"x").status, range(100)))
    assert answers == [200] * 100
    assert {seen.path for seen in server.seen} == {f"/{n}" for n in range(100)}
