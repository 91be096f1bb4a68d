"""A report from the evidence alone, for when no model wrote one; pure."""

import re
from decimal import Decimal

from workers.formats.report import Column, change, figure, heading_of
from workers.formats.report import Headline as Compared
from workers.pulses.changes import changes
from workers.pulses.clear import clear
from workers.pulses.evidence import Answer, Evidence, Value, told

MOST_ROWS = 10
MOST_COLUMNS = 6
_MARKDOWN = re.compile(r"([\\`*_\[\]#|<>~&])|^([-+=]|\d{1,9}(?=[.)]))")


def fallback(evidence: Evidence, why: str, before: Evidence | None = None) -> str:
    """Return a report in markdown whose first line says that no model wrote it, and why."""
    blocks = [f"*This report was made from the figures alone, by a fixed form: {escape(why)}.*"]
    lines = changes(before, evidence)
    if lines:
        blocks.append("## What changed since the last one\n\n" + "\n".join(f"- {escape(line)}" for line in lines))
    blocks += [_section(answer) for answer in evidence.answers]
    if not evidence.answers:
        blocks.append("No graph gave any figures.")
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Return a text of data as markdown that shows it, and means nothing."""
    bare = re.sub(r"\s+", " ", clear(text)).strip()
    return _MARKDOWN.sub(lambda match: f"\\{match[1]}" if match[1] else _begun(match[2]), bare)


def _begun(mark: str) -> str:
    """What would begin a list or underline a heading, with a sign in front that has no width on paper."""
    return f"\\{mark}" if not mark.isdigit() else f"{mark}\\"


def _section(answer: Answer) -> str:
    if not answer.rows:
        return f"## {escape(answer.graph)}\n\nNo figures."
    return "\n\n".join(filter(None, (f"## {escape(answer.graph)}", _headline(answer), _table(answer))))


def _headline(answer: Answer) -> str:
    """The newest figure beside the one before, where there is one figure a period."""
    if answer.time is None or len(answer.numbers) != 1:
        return ""
    (place,) = answer.numbers
    column = answer.columns[place]
    values = [row[place] for row in answer.rows[-2:]]
    if not isinstance(values[-1], Decimal):
        return ""
    line = f"**{escape(figure(values[-1], column))}** ({escape(answer.label(len(answer.rows) - 1))})"
    if len(values) > 1 and isinstance(values[0], Decimal):
        moved = change(Compared(values[1], column, values[0]))[0]  # type: ignore[arg-type]
        line += f", {moved} beside {escape(figure(values[0], column))} the time before" if moved else ""
    return line + "."


def _table(answer: Answer) -> str:
    columns = answer.columns[:MOST_COLUMNS]
    rows = answer.rows[: -MOST_ROWS - 1 : -1] if answer.time is not None else answer.rows[:MOST_ROWS]
    heads = [escape(column.heading if column.format == "percent" else heading_of(column)) for column in columns]
    rule = ["---:" if column.type == "number" else "---" for column in columns]
    cells = [[_cell(value, column) for value, column in zip(row, columns, strict=False)] for row in rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in [heads, rule, *cells])
    return table + ("\n\nOther rows are left out here." if len(answer.rows) > len(rows) else "")


def _cell(value: Value, column: Column) -> str:
    text = escape(told(value, column))
    return f"{text}%" if column.format == "percent" and text else text
