"""How a pulse's report is written: by a template of its figures, where no model answers.

This is the one door to a model: whoever writes the report, the kind gets the same thing back.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from workers.formats.report import change, figure
from workers.reporting import Part

NO_MODEL = "no model is set for pulses"


class Written(NamedTuple):
    """A report in markdown, what was said to come to it, and why it is a fallback; empty where a model wrote it."""

    markdown: str
    messages: tuple[dict[str, str], ...]
    said: str


def write(prompt: str, parts: Sequence[Part], on_model_failure: str) -> Written | str:
    """Return the report on the figures, or why there is none."""
    if on_model_failure == "error":
        return NO_MODEL
    markdown = fallback(parts, NO_MODEL)
    return Written(
        markdown, ({"role": "user", "content": prompt}, {"role": "assistant", "content": markdown}), NO_MODEL
    )


def fallback(parts: Sequence[Part], why: str) -> str:
    """Return the figures as they are, with a first line that says that nobody wrote a text about them."""
    lines = [f"*These are the figures without a text: {why}.*", ""]
    return "\n".join(lines + [_line(part) for part in parts])


def _line(part: Part) -> str:
    headline = part.section.headline
    if headline is None or headline.value is None:
        return f"- {part.section.name}: {part.figures.rows} rows"
    moved, _ = change(headline)
    beside = f" ({moved} {headline.before_label})" if moved else ""
    return f"- {part.section.name}: {figure(headline.value, headline.column)}{beside}"


def as_record(written: Written) -> dict[str, Any]:
    """Return what the run keeps of it."""
    return {
        "messages": list(written.messages),
        "report": written.markdown,
        "isFallback": bool(written.said),
        "fallbackReason": written.said or None,
    }
