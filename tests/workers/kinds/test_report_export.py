"""`report.export` of graphs: what a section of which nothing came does to a report."""

from typing import Any
from uuid import UUID

from tests.workers.kinds.contexts import GRAPH, Answering, Book, Journal, context
from workers.graphs import Graph
from workers.kinds.report_export import Params, run
from workers.outcome import Done, Outcome, Rejected
from workers.reports.book import DefinitionRow
from workers.sources import Column, Table

DEFINITION = UUID(int=9)
COLUMNS = (Column("day", "date", "date"), Column("region", "text", "text"), Column("value", "numeric", "number"))
NOTHING = Table(COLUMNS, [], None, 1.0)


class Shelf(Journal):
    """Keeps files, and knows one definition, which asks the graphs of a book."""

    def __init__(self, book: Book, **says: Any) -> None:
        super().__init__(Answering(NOTHING))
        self.files = {}
        self._graphs = book.graphs(None, None)
        self._row = DefinitionRow(DEFINITION, "by-region", 1, GRAPH, None, None, None, says)

    def reports(self) -> "Shelf":
        return self

    def definition(self, *_: object) -> DefinitionRow:
        return self._row

    def graphs(self, *_: object) -> list[Graph]:
        return self._graphs


def made(book: Book) -> Outcome:
    params = {
        "reportId": str(UUID(int=5)),
        "definitionId": str(DEFINITION),
        "exportFormats": ["csv", "json"],
        "emailEnabled": True,
        "emailRecipients": ["ann@example.com"],
        "emailSendOnlyIfData": True,
    }
    columns = [{"name": "north", "label": "The north"}]
    return run(context(Params.model_validate(params), journal=Shelf(book, columns=columns)))


def test_a_segment_of_which_nothing_came_is_no_missing_column() -> None:
    found = made(Book(time_dimension="day", grain="day", segment_by=["region"]))
    assert isinstance(found, Done), found
    assert (found.result["outcome"], found.result["recordCount"], found.messages) == ("empty", 0, ())


def test_a_column_that_a_plain_graph_lacks_is_refused_though_there_is_no_row() -> None:
    found = made(Book(time_dimension="day", grain="day"))
    assert isinstance(found, Rejected)
    assert "no column 'north'" in found.why
