"""What a scheduled report asks: its graphs once for each security context, a few contexts at a time."""

from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

from workers.alerting.lookback import Window
from workers.graphs import NOBODYS, Graph, last_periods
from workers.kind import Context
from workers.kinds.threshold_alert import patience
from workers.reporting import Part, part_of
from workers.sources import SourceRefused, SourceUnavailable
from workers.sources.table import Value

NONE: Mapping[str, Value] = {}
MOST_ROWS = 50_000
# So many contexts are asked at once, and so many answers wait to be rendered.
ASKED_AT_ONCE = 4


class Trouble(NamedTuple):
    """Why a graph could not be read, and whether asking again may help."""

    graph: Graph
    why: str
    is_passing: bool


def ask(
    ctx: Context[Any],
    graphs: Sequence[Graph],
    context: Mapping[str, str],
    periods: int,
    *,
    within: Window | None = None,
    parameters: Mapping[str, Value] = NONE,
) -> list[Part] | Trouble:
    """Return the graphs as parts of one reader's report, or what is the matter with one of them.

    They are asked for the time `within`, and without it for their last periods.
    """
    parts = []
    for graph in graphs:
        looked_at = within or last_periods(graph, ctx.slot_at, ctx.timezone, periods)
        part = ask_one(ctx, graph, looked_at, patience(ctx), context, parameters)
        if isinstance(part, Trouble):
            return part
        parts.append(part)
    return parts


def ask_one(
    ctx: Context[Any],
    graph: Graph,
    within: Window | None,
    seconds: float,
    context: Mapping[str, str] = NOBODYS,
    parameters: Mapping[str, Value] = NONE,
) -> Part | Trouble:
    """Return what a graph's source answers for a time as a part of a report, or what is the matter with it."""
    try:
        question = replace(graph.question(ctx.slot_at, ctx.timezone, within, context), parameters=dict(parameters))
        table = ctx.source(str(graph.source_id)).query(question, timeout_seconds=seconds, row_cap=MOST_ROWS)
    except (SourceRefused, SourceUnavailable) as error:
        return Trouble(graph, f"the graph {graph.name!r}: {error}", isinstance(error, SourceUnavailable))
    part = part_of(graph, table, ctx.timezone)
    return Trouble(graph, f"the graph {graph.name!r}: {part}", is_passing=False) if isinstance(part, str) else part


def ask_each(
    ctx: Context[Any], graphs: Sequence[Graph], contexts: Sequence[Mapping[str, str]], periods: int
) -> Generator[list[Part] | Trouble, None, None]:
    """Yield what `ask` gives for each context, in their order; the next few are asked meanwhile."""
    waiting: deque[Future[list[Part] | Trouble]] = deque()
    with ThreadPoolExecutor(ASKED_AT_ONCE, "report") as threads:
        try:
            for context in contexts:
                waiting.append(threads.submit(ask, ctx, graphs, context, periods))
                if len(waiting) == ASKED_AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
