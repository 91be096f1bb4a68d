"""What a report definition says of its parameters, columns and chart, checked before it is kept."""

from collections.abc import Sequence
from datetime import UTC, datetime

from api.refusals import refuse
from config.zones import zone
from workers.reports.definition import BadParameter, ChartShown, ColumnShown, Parameter, names_of, value_of

A_SLOT = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""What parameters and words are tried at, before any slot is known."""


def check_parameters(parameters: Sequence[Parameter], window: str | None) -> None:
    """Passes parameters that fit together and whose defaults are good. Raises BadDefinition."""
    seen: set[str] = set()
    for place, each in enumerate(parameters):
        if each.name in seen:
            raise refuse(f"parameters.{place}.name", "is there twice")
        seen.add(each.name)
        if (each.type == "choice") != bool(each.choices):
            raise refuse(f"parameters.{place}.choices", "goes with the type choice, which takes at least one")
        _check_default(place, each)
    if len(names_of(parameters)) < sum(2 if each.type == "period" else 1 for each in parameters):
        raise refuse("parameters", "have a name that a period's _start or _end takes")
    if window is not None and window not in {each.name for each in parameters if each.type == "period"}:
        raise refuse("window", "takes the name of a parameter of the type period")


def _check_default(place: int, each: Parameter) -> None:
    if each.default is None:
        return
    try:
        value_of(each, None, A_SLOT, zone("UTC"))
    except BadParameter as error:
        raise refuse(f"parameters.{place}.default", str(error)) from None


def check_columns(columns: Sequence[ColumnShown], chart: ChartShown | None, *, has_query: bool) -> None:
    """Passes columns that are there once, and a chart of those that are shown. Raises BadDefinition."""
    seen: set[str] = set()
    for place, each in enumerate(columns):
        if each.name in seen:
            raise refuse(f"columns.{place}.name", "is there twice")
        seen.add(each.name)
    if chart is None:
        return
    if not has_query:
        raise refuse("chart", "goes with a query of its own: a graph has the chart that it is")
    hidden = {each.name for each in columns if each.is_hidden}
    if chart.x in hidden:
        raise refuse("chart.x", "takes a column that is shown")
    for place, name in enumerate(chart.y):
        if name in hidden or name == chart.x:
            raise refuse(f"chart.y.{place}", "takes a column that is shown, and another than x")
