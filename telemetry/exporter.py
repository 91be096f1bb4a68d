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
    added = CollectorRegistry()
    for collector in extra:
        added.register(collector)
    return generate_latest(registry()) + generate_latest(added)


def serve(port: int) -> int:
    """Serves the metrics page on `port` (0: a free one) in a thread; returns the port."""
    server, _ = start_http_server(port, registry=registry())
    return int(server.server_port)
