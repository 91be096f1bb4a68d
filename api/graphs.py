"""Graphs: named queries on a source, with what their columns mean. Alerts judge them and dashboards show them."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import sources
from api.definitions import Line, Words
from api.nouns import Id, Noun
from api.refusals import refuse
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from scheduler.refusals import NameTaken, NotFound

MOST_GRAPHS = 1000
_UNIQUE = "23505"

Grain = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]
Format = Literal["number", "percent", "duration", "bytes"]


class Graph(NamedTuple):
    """A graph; its version rises with each edit, and what judged it says by which."""

    id: UUID
    name: str
    description: str
    source_id: UUID
    query: str
    unit: str
    format: Format
    decimals: int | None
    value_column: str | None
    time_dimension: str | None
    grain: Grain | None
    segment_by: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_graph", Id)
LIST = Query("list_graphs", Graph)
LOCK = Query("lock_graph", Id)
UPDATE = Query("update_graph")
DELETE = Query("delete_graph")
GRAPHS: Noun[Graph] = Noun(
    "graph",
    "/api/graphs",
    LIST,
    LOCK,
    DELETE,
    kept_because="alerts or dashboards show the graph {name!r}; take it out of them first",
)


_BREAKS = str.maketrans("", "", "\n\r\t")


def _spoken(text: str) -> str:
    if not text.translate(_BREAKS).isprintable():
        raise ValueError("takes printable text")
    return text


def _short(value: Any) -> Any:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("takes printable characters")
    return value


Text = Annotated[str, AfterValidator(_spoken), Field(max_length=2000)]
Asking = Annotated[
    str,
    AfterValidator(_spoken),
    Field(
        min_length=1,
        max_length=100_000,
        description="what the source is asked: SQL, PromQL, JMESPath, or a Cube query in JSON",
    ),
]
Column = Annotated[str, BeforeValidator(_short), Field(min_length=1, max_length=200)]
Unit = Annotated[str, BeforeValidator(_short), Field(max_length=20, description="such as €, %, orders")]
Decimals = Annotated[int, Field(strict=True, ge=0, le=10)]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class GraphIn(_Body):
    """A graph to be made."""

    name: Line
    description: Text = ""
    source_id: UUID
    query: Asking
    unit: Unit = ""
    format: Annotated[Format, Words] = "number"
    decimals: Decimals | None = None
    value_column: Column | None = Field(None, description="`value`, or else the first column that is no other")
    time_dimension: Column | None = None
    grain: Annotated[Grain, Words] | None = None
    segment_by: Annotated[list[Column], Field(max_length=5)] = Field(default_factory=list)


class GraphPatch(_Body):
    """What changes; null takes away what may be missing."""

    name: Line | None = None
    description: Text | None = None
    source_id: UUID | None = None
    query: Asking | None = None
    unit: Unit | None = None
    format: Annotated[Format, Words] | None = None
    decimals: Decimals | None = None
    value_column: Column | None = None
    time_dimension: Column | None = None
    grain: Annotated[Grain, Words] | None = None
    segment_by: Annotated[list[Column], Field(max_length=5)] | None = None


_MAY_BE_NULL = frozenset({"decimals", "value_column", "time_dimension", "grain"})


def create(conn: Connection, tenant_id: UUID, body: GraphIn) -> Graph:
    """The graph made; nothing is asked of its source yet. Raises BadDefinition, NameTaken."""
    columns = _checked(conn, tenant_id, body.model_dump())
    if len(GRAPHS.list_all(conn, tenant_id, limit=MOST_GRAPHS)) == MOST_GRAPHS:
        raise refuse("", f"a tenant has at most {MOST_GRAPHS} graphs")
    made = INSERT.one(conn, tenant_id=tenant_id, **columns)
    if made is None:
        raise NameTaken(f"there is a graph named {body.name!r} already")
    return GRAPHS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: Graph, patch: GraphPatch) -> Graph:
    """The graph with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken."""
    given = patch.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
    columns = _checked(conn, tenant_id, {name: getattr(row, name) for name in GraphIn.model_fields} | changes)
    try:
        with transaction(conn):
            UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **columns)
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a graph named {columns['name']!r} already") from None
    return GRAPHS.get(conn, tenant_id, row.id)


def _checked(conn: Connection, tenant_id: UUID, columns: dict[str, Any]) -> dict[str, Any]:
    """The columns as they are stored. Raises BadDefinition."""
    if (columns["grain"] is None) != (columns["time_dimension"] is None):
        missing = "grain" if columns["grain"] is None else "timeDimension"
        raise refuse(missing, "is needed too: timeDimension and grain go together")
    taken = [name for name in (columns["time_dimension"], columns["value_column"]) if name is not None]
    seen = [*taken, *columns["segment_by"]]
    if len(set(seen)) != len(seen):
        raise refuse("segmentBy", "takes columns that are neither the value, the time nor there twice")
    try:
        sources.get(conn, tenant_id, columns["source_id"])
    except NotFound as error:
        raise refuse("sourceId", str(error)) from None
    return columns
