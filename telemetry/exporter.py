"""The metrics page: of this process, or of all that share PROMETHEUS_MULTIPROC_DIR."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from config.environ import metrics_folder


def registry() -> CollectorRegistry:
    """The registry to export: merged from every process of this group when there are several."""
    if metrics_folder() is None:
        return REGISTRY
    merged = CollectorRegistry()
    MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
    return merged


def page(extra: Iterable[Collector] = ()) -> bytes:
    """The metrics in Prometheus's text format, with those of `extra` collectors beside."""
    return generate_latest(_with(extra))


def serve(port: int, extra: Iterable[Collector] = ()) -> int:
    """Serves the same page on `port` (0: a free one) in a thread; returns the port."""
    server, _ = start_http_server(port, registry=_with(extra))
    return int(server.server_port)


def _with(extra: Iterable[Collector]) -> CollectorRegistry:
    own = registry()
    together = CollectorRegistry()
    for collector in (own, *extra):
        together.register(collector)
    return together
