"""Styles, scripts and pictures of the pages, kept in memory; the address names the content, so a browser keeps it for good."""

import hashlib
import mimetypes
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Header, HTTPException
from fastapi.responses import Response

_FOLDER = Path(__file__).parent.parent / "static"
_YEAR = 31_536_000

router = APIRouter(include_in_schema=False)


class Asset(NamedTuple):
    """A file, its type and what names its content."""

    body: bytes
    media: str
    version: str


def _read() -> dict[str, Asset]:
    found = {}
    for path in sorted(_FOLDER.rglob("*")):
        media = mimetypes.guess_type(path.name)[0]
        if path.is_file() and media is not None:
            body = path.read_bytes()
            found[path.relative_to(_FOLDER).as_posix()] = Asset(body, media, hashlib.sha256(body).hexdigest()[:12])
    return found


ASSETS: Final = _read()


def address(name: str) -> str:
    """The address of a file. Raises KeyError for one that is not there."""
    return f"/static/{name}?v={ASSETS[name].version}"


@router.get("/static/{name:path}")
def get_asset(name: str, v: str = "", if_none_match: Annotated[str, Header()] = "") -> Response:
    """One file; anybody may read it."""
    asset = ASSETS.get(name)
    if asset is None:
        raise HTTPException(404, "there is no such file")
    etag = f'"{asset.version}"'
    keep = f"public, max-age={_YEAR}, immutable" if v == asset.version else "no-cache"
    headers = {"ETag": etag, "Cache-Control": keep}
    if etag in if_none_match:
        return Response(None, 304, headers)
    return Response(asset.body, 200, headers, asset.media)
