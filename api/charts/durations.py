"""How long the latest executions of a report took, a bar each, the oldest first."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from api.pages.look import span

WIDTH, HEIGHT, TOP, BOTTOM, RIGHT = 1000, 130, 14, 4, 80
MOST = 50
# Of fewer there is nothing to compare, and the table below says it all.
LEAST = 3
# Of fewer the bars are no wider.
_FEWEST = 15
_BETWEEN = 15
_TONES = {"completed": "good", "failed": "bad", "running": "run"}


def draw(executions: Sequence[Mapping[str, Any]], median: float | None, slow: float | None) -> Markup:
    """The executions as the API shows them, newest first; `median` and `slow` are lines, in milliseconds as all is."""
    shown = [each for each in executions[:MOST] if each["duration"] is not None][::-1]
    if len(shown) < LEAST:
        return Markup("")
    lines = [(word, value) for word, value in (("p50", median), ("p95", slow)) if value is not None]
    top = max([*(each["duration"] for each in shown), *(value for _, value in lines), 1])
    room = HEIGHT - TOP - BOTTOM

    def height(value: float) -> float:
        return float(room * value / top)

    step = (WIDTH - RIGHT) / max(len(shown), _FEWEST)
    parts = [
        Markup(
            '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}</title></rect>'
        ).format(
            _TONES.get(str(each["status"]).lower(), "wait"),
            at * step + 2,
            HEIGHT - BOTTOM - max(2.0, height(each["duration"])),
            step - 4,
            max(2.0, height(each["duration"])),
            f"{each['scheduledFor']}: {str(each['status']).lower()} after {span(each['duration'] / 1000)}",
        )
        for at, each in enumerate(shown)
    ]
    lowest = 0.0
    for word, value in reversed(lines):
        y = HEIGHT - BOTTOM - height(value)
        # Two that are close stand one below the other, the slower above.
        lowest = max(lowest + _BETWEEN, y + 4)
        parts.append(
            Markup(
                '<line class="over" x1="0" x2="{0}" y1="{1:.1f}" y2="{1:.1f}"/><text x="{2}" y="{3:.1f}">{4}</text>'
            ).format(WIDTH - RIGHT, y, WIDTH - RIGHT + 6, lowest, f"{word} {span(value / 1000)}")
        )
    longest = max(each["duration"] for each in shown)
    told = f"How long the latest {len(shown)} executions took: at most {span(longest / 1000)}"
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, told, Markup("").join(parts)
    )
