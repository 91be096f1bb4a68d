"""`/api/artifacts`: the files that runs made."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api import artifacts
from api.problems import answers
from api.request import Reader

router = APIRouter(tags=["runs"], responses=answers(400, 401, 403, 404, 422, 429, 503))

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the bytes of the file, in the content type that it was kept with",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/api/artifacts/{artifact_id}/download", responses=_FILE | answers(410), response_class=Response)
def download_artifact(asking: Reader, artifact_id: UUID) -> Response:
    """The bytes of a file, to be saved; 410 for one that is no more in the store."""
    with asking.reading() as conn:
        found = artifacts.get(conn, asking.tenant, artifact_id)
    return artifacts.download(asking.web, found)
