"""Typst, with the report's own font: turns a template and its data into a file."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from workers.formats.report import MissingExtra

HERE = Path(__file__).parent
FONTS = ["Inter"]
PIXELS_PER_INCH = 144.0


def typeset(
    template: str,
    data: Mapping[str, Any],
    form: Literal["pdf", "png"],
    slot: datetime,
    *,
    is_tagged: bool = True,
    pixels_per_inch: float = PIXELS_PER_INCH,
) -> list[bytes]:
    """Return the pages that Typst makes of a template and its data; a PDF is one. The same data give the same bytes.

    The data go in as JSON and are strings to Typst; no file but the templates can be read, and no package fetched.
    """
    typst = _typst()
    compiler = typst.Compiler(HERE / template, root=HERE, font_paths=_fonts())
    made = compiler.compile(
        format=form,
        ppi=pixels_per_inch,
        sys_inputs={"report": json.dumps({"fonts": FONTS, **data})},
        timestamp=int(slot.timestamp()),
        pdf_tags=is_tagged,
    )
    return made if isinstance(made, list) else [made]


@cache
def _fonts() -> Any:
    """The report's font first; whatever the machine has beside it is asked for the letters that it lacks."""
    return _typst().Fonts(include_system_fonts=True, include_embedded_fonts=False, font_paths=[HERE / "fonts"])


def _typst() -> Any:
    try:
        import typst
    except ImportError:
        raise MissingExtra("reports", "a PDF or a picture") from None
    return typst
