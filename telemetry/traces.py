"""Traces: one a run, from its slot to its deliveries, whichever process each part happens in.

A trace's id is the run's, and its root span's id the second half of it. So no process tells another of a trace: the row,
the message and the delivery name the run, and every attempt at it lands in the one trace. Without
OTEL_EXPORTER_OTLP_ENDPOINT nothing is imported, and nothing is kept. Spans hold no parameters, recipients or text.
"""

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.environ import BadSetting

if TYPE_CHECKING:
    from telemetry.spans import Spans

_spans: "Spans | None" = None
_NOTHING: AbstractContextManager[None] = nullcontext()


def begin(endpoint: str | None, share: float, role: str, version: str) -> None:
    """Has this process send the traces of that share of the runs to the OTLP endpoint; None: of none. Raises BadSetting."""
    global _spans  # noqa: PLW0603  of the process, as the metrics are; set once, before any thread starts
    if endpoint is not None:
        try:
            from telemetry.spans import Spans
        except ImportError:
            raise BadSetting(
                "OTEL_EXPORTER_OTLP_ENDPOINT needs the packages of the extra otel: pip install tocsin[otel]"
            ) from None
        _spans = Spans(endpoint, share, role, version)


def end() -> None:
    """Sends what is not sent yet; the last thing before a process ends."""
    global _spans  # noqa: PLW0603  as above
    if _spans is not None:
        _spans.end()
        _spans = None


def part(name: str, /, run_id: UUID, **attributes: Any) -> AbstractContextManager[object]:
    """A part of the run's trace for as long as the block lasts; what happens within belongs to it."""
    return _NOTHING if _spans is None else _spans.part(name, run_id, attributes)


def step(name: str, /, **attributes: Any) -> AbstractContextManager[object]:
    """A part of the part that this thread is in, for as long as the block lasts."""
    return _NOTHING if _spans is None else _spans.step(name, attributes)


def tell(*, is_bad: bool = False, **attributes: Any) -> None:
    """Adds to the part that this thread is in what has become known of it."""
    if _spans is not None:
        _spans.tell(attributes, is_bad=is_bad)


def took(name: str, seconds: float, /, **attributes: Any) -> None:
    """Adds to the part that this thread is in something that took these seconds and ended now."""
    if _spans is not None:
        _spans.took(name, seconds, attributes)


def each_took(name: str, /, run_ids: Iterable[UUID], since: float, **attributes: Any) -> None:
    """Adds to the trace of each run what was done for all of them together, since that monotonic time until now."""
    if _spans is not None:
        _spans.each_took(name, run_ids, time.monotonic() - since, attributes)


def ended(run_id: UUID, **attributes: Any) -> None:
    """The run is over: its root, from the slot until now."""
    if _spans is not None:
        _spans.ended(run_id, attributes)


def headers() -> dict[str, str]:
    """The header by which whom this thread calls may join the trace; none outside of one."""
    return {} if _spans is None else _spans.headers()


def exemplar(run_id: UUID) -> dict[str, str] | None:
    """What a histogram remembers of the run: its trace, if that is sent."""
    return None if _spans is None else _spans.exemplar(run_id)
