"""A server on loopback that takes traces as an OTLP collector does, and bugs as Sentry does."""

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """A span as it came over the wire."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    is_bad: bool
    attributes: dict[str, Any] = field(hash=False)


class Collector:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.events: list[dict[str, Any]] = []
        self.raw = b""
        outer = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    content = gzip.decompress(content)
                outer.raw += content
                if self.path == "/v1/traces":
                    outer.spans += spans_of(content)
                elif self.path.startswith("/api/1/envelope"):
                    lines = [json.loads(line) for line in content.splitlines() if line.strip()]
                    heads = zip(lines[1::2], lines[2::2], strict=True)
                    outer.events += [event for head, event in heads if head.get("type") == "event"]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.dsn = f"http://key@127.0.0.1:{self._server.server_port}/1"

    def of(self, trace_id: str) -> list[Seen]:
        """The spans of a trace, by when they began."""
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.start)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def spans_of(content: bytes) -> list[Seen]:
    """The spans of one request of an OTLP exporter."""
    request = ExportTraceServiceRequest.FromString(content)
    found = []
    for resource in request.resource_spans:
        about = {each.key: each.value.string_value for each in resource.resource.attributes}
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            attributes = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
            found.append(
                Seen(
                    about["service.name"],
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == 2,
                    attributes,
                )
            )
    return found
