"""The parts of a message that a template words, made of a context: subject, text and page; pure, and bounded in size."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from workers.templating.language import BadTemplate, render
from workers.templating.markup import page, sanitised

# Of what is made; a subject is cut by the mail, and Gmail shows 102 kB of a page.
MOST = {"subject": 1_000, "text": 200_000, "html": 200_000}
MOST_OF_A_PAGE = 400_000
PARTS = ("subject", "text", "html")


class BadPart(Exception):
    """One part can't be made: which, in which line (0: none can be told), and why."""

    def __init__(self, part: str, line: int, message: str) -> None:
        super().__init__(f"{part}, line {line}: {message}" if line else f"{part}: {message}")
        self.part = part
        self.line = line
        self.message = message


def make(sources: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, str]:
    """Return each part that has a source. Raises BadPart."""
    return {part: _make(part, sources[part], context) for part in PARTS if part in sources}


def _make(part: str, source: str, context: Mapping[str, Any]) -> str:
    try:
        made = render(source, context, MOST[part], is_html=part == "html")
    except BadTemplate as error:
        raise BadPart(part, error.line, error.message) from None
    if part == "subject":
        made = _one_line(made)
    if part == "html":
        made = sanitised(made)
    if not made.strip():
        raise BadPart(part, 0, "comes out empty")
    if part == "html":
        made = page(made)
        if len(made) > MOST_OF_A_PAGE:
            raise BadPart(part, 0, f"makes a page of more than {MOST_OF_A_PAGE:,} characters")
    return made


def _one_line(text: str) -> str:
    """The text on one line, as no header is begun by it: what breaks or hides lines becomes a space."""
    spaced = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)
    return " ".join(spaced.split())
