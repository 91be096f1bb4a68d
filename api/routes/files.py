"""`/f/{token}`: a file behind a link in a mail. It opens this one file, for as long as the link lasts, and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from api import artifacts
from api.access import too_many
from api.addresses import address_of, network_of
from api.state import Web, web_of
from scheduler.refusals import NotFound

# People's own, not programs': it stands on no page of the API.
router = APIRouter(prefix="/f", include_in_schema=False)


@router.get("/{token}")
def open_file(token: str, request: Request, web: Annotated[Web, Depends(web_of)]) -> Response:
    """The file; 404 for what is no link of ours or leads to nothing any more, 410 for one that is too old.

    Who guesses is slowed like who guesses tokens. A file has a limit of its own: a link that went round spends nothing
    of its tenant's.
    """
    try:
        found = artifacts.linked(web, token)
    except NotFound:
        verdict = web.wrong_tokens.take(f"file {network_of(address_of(request))}")
        if not verdict.is_passed:
            raise too_many(verdict, "too many wrong links from this address") from None
        raise HTTPException(404, "this link leads nowhere") from None
    except artifacts.Expired:
        raise HTTPException(410, "this link is too old; a newer mail has a newer one") from None
    verdict = web.per_caller.take(f"file {found.id}")
    if not verdict.is_passed:
        raise too_many(verdict, "this file is asked for too often")
    return artifacts.download(web, found)
