"""The page of metrics on a port of its own."""

import socket
import struct
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import Metric
from prometheus_client.registry import Collector

from telemetry import exporter
from tests.system import until


class Slow(Collector):
    """Answers once it is told to."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def collect(self) -> Iterator[Metric]:
        self.asked.set()
        self.may_answer.wait(10)
        yield from ()

    def describe(self) -> list[Metric]:
        return []


def test_a_scraper_that_hangs_up_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    slow = Slow()
    port = exporter.serve(0, [slow])
    before = threading.active_count()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert slow.asked.wait(10)
        # Closed so, it is reset at once.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    slow.may_answer.set()
    until(lambda: threading.active_count() == before)
    assert capfd.readouterr().err == ""


def test_only_a_page_without_gauges_of_the_system_is_openmetrics() -> None:
    asked = {"Accept": "application/openmetrics-text; version=1.0.0"}
    types = []
    slow = Slow()
    slow.may_answer.set()
    for extra in ([], [slow]):
        request = urllib.request.Request(f"http://127.0.0.1:{exporter.serve(0, extra)}/metrics", headers=asked)
        with urllib.request.urlopen(request) as page:
            types.append(page.headers["Content-Type"].partition(";")[0])
            assert b"tocsin_claimed_total" in page.read()
    assert types == ["application/openmetrics-text", "text/plain"]
