"""The model's only tools: which graphs there are, and what one of them says. They read, under the run's tenant and reader."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.chat import data
from workers.chat.turns import Call, Tool, arguments_of
from workers.graphs import Graph, last_periods
from workers.kind import Context
from workers.sources import RowCap, SourceRefused, SourceUnavailable, Table

MOST_ROWS = 5_000
MOST_PERIODS = 1_000
_PATIENCE_SECONDS = 30.0


class _Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")
    graph: Annotated[str, Field(min_length=1, max_length=300)]
    periods: Annotated[int, Field(ge=1, le=MOST_PERIODS)] = 30
    segment: Annotated[str, Field(max_length=300)] | None = None


TOOLS = (
    Tool(
        "list_graphs",
        "Lists the graphs that can be queried: name, id, unit, grain of their periods, and what they are split by.",
        {"type": "object", "properties": {}, "additionalProperties": False},
    ),
    Tool(
        "query_graph",
        "Returns the figures of one graph for its last complete periods before the report's time, newest last.",
        {
            "type": "object",
            "properties": {
                "graph": {"type": "string", "description": "the graph's name or id"},
                "periods": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_PERIODS,
                    "description": "how many periods of its grain, days where it has none; 30 unless told",
                },
                "segment": {"type": "string", "description": "one segment alone, of a graph that is split"},
            },
            "required": ["graph"],
            "additionalProperties": False,
        },
    ),
)


class Served(NamedTuple):
    """What a call brought: the text for the model, and the graph with the rows that it holds, where it is one's."""

    content: str
    is_error: bool = False
    graph: Graph | None = None
    table: Table | None = None
    is_capped: bool = False
    is_whole: bool = True


class Desk:
    """Answers the calls of one run: of `graphs` alone, for a reader of this security context, until the deadline."""

    def __init__(self, ctx: Context[Any], graphs: Sequence[Graph], context: Mapping[str, str], deadline: float) -> None:
        self._ctx = ctx
        self._deadline = deadline
        self._graphs = graphs
        self._context = context

    def serve(self, call: Call, most_rows: int) -> Served:
        """Return what a call brings, an error that the model can learn from included."""
        arguments = arguments_of(call)
        if arguments is None:
            return _failed("the arguments are no JSON object")
        try:
            if call.name == "list_graphs":
                _Nothing.model_validate(arguments)
                return Served(data.listed(self._graphs))
            if call.name == "query_graph":
                return self._query(_Query.model_validate(arguments), most_rows)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()[:5])
            return _failed(f"the arguments are not right: {wrong}")
        return _failed(f"there is no tool {call.name[:50]!r}; there are: {', '.join(tool.name for tool in TOOLS)}")

    def _query(self, asked: _Query, most_rows: int) -> Served:
        found = self._find(asked.graph)
        if isinstance(found, str):
            return _failed(found)
        ctx = self._ctx
        window = last_periods(found, ctx.slot_at, ctx.timezone, asked.periods)
        try:
            question = found.question(ctx.slot_at, ctx.timezone, window, self._context)
            patience = max(1.0, min(_PATIENCE_SECONDS, self._deadline - time.monotonic()))
            table: Table | str = ctx.source(str(found.source_id)).query(
                question, timeout_seconds=patience, row_cap=MOST_ROWS
            )
        except RowCap:
            return _failed(f"it has more than {MOST_ROWS} rows: ask for fewer periods")
        except (SourceRefused, SourceUnavailable) as error:
            return _failed(f"the graph can't be read: {error}")
        if asked.segment is not None and not isinstance(table, str):
            table = data.of_segment(found, table, asked.segment)
        if isinstance(table, str):
            return _failed(table)
        kept = data.bounded(found, table, most_rows)
        content = data.shown(found, kept, len(table.rows), window, ctx.timezone)
        is_capped = len(kept.rows) < len(table.rows)
        is_whole = asked.segment is None and not is_capped
        return Served(content, graph=found, table=kept, is_capped=is_capped, is_whole=is_whole)

    def _find(self, wanted: str) -> Graph | str:
        """The one graph of that name or id, or why there is none."""
        name = wanted.strip().casefold()
        found = [graph for graph in self._graphs if name in (str(graph.id), data.plain(graph.name).casefold())]
        if len(found) == 1:
            return found[0]
        if found:
            return "several graphs have this name: take the id"
        return "there is no such graph; list_graphs says which there are"


def _failed(why: str) -> Served:
    return Served(data.failed(why), is_error=True)
