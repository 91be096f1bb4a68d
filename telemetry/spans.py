"""Spans by the OpenTelemetry SDK; imported only where traces are on."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

_LAST_SECONDS = 2.0
_HALF = 2**64 - 1
# The random bits of an id that no version or variant is written into.
_RANDOM = 2**56 - 1
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
Attributes = Mapping[str, Any]


class _Ids(RandomIdGenerator):
    """Random ids, but for a root: its ids follow from its run."""

    def __init__(self) -> None:
        self._of = threading.local()

    def choose(self, run_id: UUID | None) -> None:
        """The next span of this thread is the root of that run; None: it is any span again."""
        self._of.run_id = run_id

    def generate_trace_id(self) -> int:
        run_id: UUID | None = getattr(self._of, "run_id", None)
        return super().generate_trace_id() if run_id is None else run_id.int

    def generate_span_id(self) -> int:
        run_id: UUID | None = getattr(self._of, "run_id", None)
        return super().generate_span_id() if run_id is None else run_id.int & _HALF


class Spans:
    """The spans of one process, sent in batches by a thread of their own; what the endpoint does not take is dropped."""

    def __init__(self, endpoint: str, share: float, role: str, version: str) -> None:
        self._least = share * _RANDOM
        self._ids = _Ids()
        about = {"service.name": f"tocsin-{role}", "service.version": version}
        self._provider = TracerProvider(
            resource=Resource.create(about),
            id_generator=self._ids,
            sampler=ParentBased(ALWAYS_ON),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tocsin", version)

    def end(self) -> None:
        """Sends what is left, for two seconds at most: a process that drains has better uses for its time."""
        ending = threading.Thread(target=self._provider.shutdown, name="last traces", daemon=True)
        ending.start()
        ending.join(_LAST_SECONDS)

    @contextmanager
    def part(self, name: str, run_id: UUID, attributes: Attributes) -> Iterator[None]:
        """A child of the run's root, current in this thread or task."""
        if not self._is_sent(run_id):
            yield
            return
        span = self._tracer.start_span(name, _root(run_id), attributes=_named(attributes, run_id))
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield

    @contextmanager
    def step(self, name: str, attributes: Attributes) -> Iterator[None]:
        """A child of the current span; outside of one there is none."""
        if not trace.get_current_span().is_recording():
            yield
            return
        span = self._tracer.start_span(name, attributes=_named(attributes))
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield

    def tell(self, attributes: Attributes, *, is_bad: bool) -> None:
        """Sets attributes of the current span, and its status when it is bad."""
        span = trace.get_current_span()
        span.set_attributes(_named(attributes))
        if is_bad:
            span.set_status(Status(StatusCode.ERROR))

    def took(self, name: str, seconds: float, attributes: Attributes) -> None:
        """A finished child of the current span."""
        if trace.get_current_span().is_recording():
            self._finished(name, None, seconds, _named(attributes))

    def each_took(self, name: str, run_ids: Iterable[UUID], seconds: float, attributes: Attributes) -> None:
        """A finished child of each run's root."""
        for run_id in run_ids:
            if self._is_sent(run_id):
                self._finished(name, _root(run_id), seconds, _named(attributes, run_id))

    def ended(self, run_id: UUID, attributes: Attributes) -> None:
        """The root of the run's trace, from the slot, whose milliseconds its id begins with."""
        if self._is_sent(run_id):
            self._ids.choose(run_id)
            try:
                start = (run_id.int >> 80) * 1_000_000
                span = self._tracer.start_span(
                    "run", Context(), start_time=start, attributes=_named(attributes, run_id)
                )
            finally:
                self._ids.choose(None)
            span.end()

    def headers(self) -> dict[str, str]:
        """W3C's traceparent of the current span."""
        of = trace.get_current_span().get_span_context()
        if not of.is_valid:
            return {}
        return {"traceparent": f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}"}

    def exemplar(self, run_id: UUID) -> dict[str, str] | None:
        """The id of the run's trace, if it is sent."""
        return {"trace_id": run_id.hex} if self._is_sent(run_id) else None

    def _is_sent(self, run_id: UUID) -> bool:
        # Every process decides alike, so that no trace is sent in half.
        return run_id.int & _RANDOM <= self._least

    def _finished(self, name: str, parent: Context | None, seconds: float, attributes: dict[str, Any]) -> Span:
        end = time.time_ns()  # as the SDK stamps its spans: by this machine's clock, by which nothing is decided
        span = self._tracer.start_span(name, parent, start_time=end - int(seconds * 1e9), attributes=attributes)
        span.end(end)
        return span


def _root(run_id: UUID) -> Context:
    root = SpanContext(run_id.int, run_id.int & _HALF, is_remote=True, trace_flags=_SAMPLED)
    return trace.set_span_in_context(NonRecordingSpan(root), Context())


def _named(attributes: Attributes, run_id: UUID | None = None) -> dict[str, Any]:
    named = {f"tocsin.{name}": value for name, value in attributes.items()}
    return named if run_id is None else {"tocsin.run_id": str(run_id)} | named
