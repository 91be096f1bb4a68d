"""What a run of an exported report reads of its tenant: the definition in its version, and the graphs that it asks."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from db.pool import Pool
from db.query import Query
from workers.alert_book import LIST_GRAPHS
from workers.graphs import Graph
from workers.reports.definition import Definition


class DefinitionRow(NamedTuple):
    """A version of a report definition: exactly one of graph, dashboard, and source with its query."""

    id: UUID
    name: str
    version: int
    graph_id: UUID | None
    dashboard_id: UUID | None
    source_id: UUID | None
    query: str | None
    definition: dict[str, Any]

    @property
    def says(self) -> Definition:
        """All that it says beside its query."""
        return Definition.model_validate(self.definition)


GET_DEFINITION = Query("get_report_definition", DefinitionRow)


class ReportBook(Protocol):
    """What a run of an exported report reads."""

    def definition(self, definition_id: UUID, version: int | None = None) -> DefinitionRow | None:
        """The definition as it stands, or as that version of it said; None once it was deleted."""
        ...

    def graphs(self, graph_id: UUID | None, dashboard_id: UUID | None) -> list[Graph]:
        """The graph, or those of the dashboard in their order."""
        ...


@dataclass(frozen=True, slots=True)
class RunReportBook:
    """The book of one tenant."""

    pool: Pool
    tenant_id: UUID

    def definition(self, definition_id: UUID, version: int | None = None) -> DefinitionRow | None:
        """The definition as it stands, or as that version of it said; None once it was deleted."""
        with self.pool.connection() as conn:
            return GET_DEFINITION.one(conn, tenant_id=self.tenant_id, id=definition_id, version=version)

    def graphs(self, graph_id: UUID | None, dashboard_id: UUID | None) -> list[Graph]:
        """The graph, or those of the dashboard in their order."""
        with self.pool.connection() as conn:
            return LIST_GRAPHS.all(conn, tenant_id=self.tenant_id, graph_id=graph_id, dashboard_id=dashboard_id)
