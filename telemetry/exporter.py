"""The metrics page: of this process, or of all that share PROMETHEUS_MULTIPROC_DIR."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST, choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from config.environ import BadSetting, metrics_folder

_ALIVE = b'{"status":"alive"}'


def registry() -> CollectorRegistry:
    """The registry to export: merged from every process of this group when there are several."""
    if metrics_folder() is None:
        return REGISTRY
    merged = CollectorRegistry()
    MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
    return merged


def page(extra: Iterable[Collector] = ()) -> bytes:
    """The metrics in Prometheus's text format, with those of `extra` collectors beside."""
    together = CollectorRegistry()
    for collector in (registry(), *extra):
        together.register(collector)
    return generate_latest(together)


def serve(port: int, extra: Iterable[Collector] = ()) -> int:
    """Serves the same page on `port` (0: a free one) in a thread; returns the port. Raises BadSetting when it is taken.

    `/healthz` there says that the process lives, whatever else is away.
    In OpenMetrics, which has exemplars, to whoever asks for it; but beside `extra` in the text format alone, since in
    OpenMetrics the gauge tocsin_runs and the counter tocsin_runs_total bear one name.
    """
    collectors = tuple(extra)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._say_alive()
                return
            if collectors:
                content, content_type = page(collectors), CONTENT_TYPE_LATEST
            else:
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                content = encode(registry())
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            # A scraper that gave up meanwhile is no news either.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(content)

        def _say_alive(self) -> None:
            # Whoever asks only this need not wait for figures, nor for what they are read from.
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(_ALIVE)))
            self.end_headers()
            self.wfile.write(_ALIVE)

        def log_message(self, *_: Any) -> None:
            """Says nothing: a scrape is no news."""

    try:
        server = ThreadingHTTPServer(("", port), Page)
    except OSError as error:
        raise BadSetting(
            f"METRICS_PORT takes a port that is free and open to us, got {port}: {error.strerror}"
        ) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_port)
