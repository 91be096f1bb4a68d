"""What templates of reports may speak of beside what all may, and samples of exported ones."""

from collections.abc import Mapping
from types import MappingProxyType

from workers.kinds import export_mail
from workers.kinds.pages import Made

_PAGE = {
    "subtitle": "the line below it",
    "facts[]": "the slot and the age of the data, as texts",
    "has_chart": "whether the mail has the picture `cid:chart`",
    "chart_alt": "the name of the graph in the picture",
    "attached[]": "the names of the files",
    "too_large[]": "the names of files that were too large for a mail, and could not be kept",
    "linked[].name": "the name of a file that was too large for a mail, and is kept",
    "linked[].link": "where it is downloaded",
    "tiles[].name": "a graph with a newest figure",
    "tiles[].value": "that figure with its unit",
    "tiles[].figure": "the figure",
    "tiles[].before_figure": "the one before; null without one",
    "tiles[].change": "how it changed, such as `▲ 1.2%`; empty with nothing to compare",
    "tiles[].tone": "`good`, `bad` or `even`",
    "tiles[].beside": "what it is compared with",
    "sections[].name": "a graph",
    "sections[].headings[]": "its columns",
    "sections[].is_number[]": "whether a column is of numbers",
    "sections[].rows[][]": "the first rows, as texts",
}
REPORT: Mapping[str, str] = _PAGE | {
    "report": "the alert's name",
    "notes[]": "the filter, and that data are late",
}
EXPORT: Mapping[str, str] = _PAGE | {
    "report": "the report's title",
    "notes[]": "the definition's notes",
    "name": "the scheduled report's name",
    "report_type": "its `reportType`",
    "record_count": "how many rows it has",
    "parameters[].name": "a parameter of the definition",
    "parameters[].value": "its value at the slot, of a period its first and last day",
    "downloads[].name": "the name of a file, where none is wanted in the mail",
    "downloads[].link": "where it is downloaded",
    "sections[].name": "a graph, or the title; only where the mail has a preview",
}
_SAID = export_mail.Said(
    "Weekly sales", "sales-week", 7, {"shop": "Paris", "period": {"first_day": "2026-11-16", "last_day": "2026-11-22"}}
)


def exported(made: Made, downloads: Mapping[str, str] = MappingProxyType({})) -> Made:
    """Return a report's mail as that of an exported one, with links to those files."""
    return export_mail.told(export_mail.with_downloads(made, downloads), _SAID)
