"""Files that runs made, shown within a page: documents and pictures as they are, tables by their first rows."""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, Literal

from fastapi.responses import Response, StreamingResponse

from api import artifacts
from api.pages import look
from api.pages.page import Page
from workers.artifacts import ArtifactRow

Way = Literal["document", "picture", "rows", "text", "page", ""]
_WAYS: Final[Mapping[str, Way]] = {
    "pdf": "document",
    "png": "picture",
    "svg": "picture",
    "csv": "rows",
    "json": "text",
    "html": "page",
}
ROWS = 50
# More of a file than this is not read to be shown.
_MOST_BEGINNING = 200_000
_MOST_PAGE = 10_000_000
# Whatever the kind that made the file calls it: a page that is called a document would run here.
_MEDIA: Final = {"pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml"}
# A browser reads a PDF by a program of its own, which no sandbox lets start.
_DOCUMENT = {"Content-Security-Policy": "frame-ancestors 'self'"}
_PICTURE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
_KEPT = {"Content-Disposition": "inline", "Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}


def way_of(format_name: str) -> Way:
    """How a file of this format is shown; nothing for one that can only be saved."""
    return _WAYS.get(format_name, "")


def view(page: Page, file: ArtifactRow) -> Response:
    """The file as the content of a frame, or as a picture; what can't be shown is to be saved."""
    web, way = page.asking.web, way_of(file.format)
    if way in ("document", "picture"):
        page.may_be_framed()
        policy = _DOCUMENT if way == "document" else _PICTURE
        return StreamingResponse(artifacts.content(web, file), 200, _KEPT | policy, _MEDIA[file.format])
    if way == "page":
        return page.framed(_beginning(artifacts.content(web, file), _MOST_PAGE))
    if way == "rows":
        rows, has_more = first_rows(_beginning(artifacts.content(web, file), _MOST_BEGINNING))
        return page.framed(look.render("runs/rows.html.j2", rows=rows, has_more=has_more, text=""))
    if way == "text":
        text = _beginning(artifacts.content(web, file), _MOST_BEGINNING)
        return page.framed(look.render("runs/rows.html.j2", rows=[], has_more=False, text=text))
    return artifacts.download(web, file)


def first_rows(text: str) -> tuple[list[list[str]], bool]:
    """The head and the first fifty rows of a CSV file, of which this is the beginning; and whether there are more."""
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        rows.extend(islice(reader, ROWS + 2))
    except csv.Error:
        # A field is longer than the reader takes; what stands before it is shown.
        return rows[: ROWS + 1], True
    return rows[: ROWS + 1], len(rows) > ROWS + 1


def _beginning(content: Iterator[bytes], most: int) -> str:
    found = bytearray()
    for chunk in content:
        found += chunk
        if len(found) >= most:
            break
    return bytes(found[:most]).decode("utf-8-sig", errors="replace")
