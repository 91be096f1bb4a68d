"""`/api/session`: a browser signs in with a token, and is known by a cookie from then on."""

from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

from api import sessions, sign_ins
from api.access import shown_token
from api.problems import answers, good
from api.request import Asked, Reader, answer

router = APIRouter(prefix="/api/session", tags=["session"], responses=answers(400, 401, 403, 404, 422, 429, 503))


class WhoAmI(BaseModel):
    """Who asks. `tenant` is its slug."""

    who: str
    role: str
    tenant: str | None


class Begun(WhoAmI):
    """A session that began, and when it ends."""

    expiresAt: datetime  # noqa: N815  as the contract spells its names


@router.get("", responses=good(200, WhoAmI))
def get_session(asking: Reader) -> Response:
    """Who asks, by token or by cookie."""
    return answer(_who(asking))


@router.post("", responses=good(200, Begun, 409, 413))
def begin_session(asking: Reader, request: Request) -> Response:
    """Signs in: the answer sets a cookie that ends after twelve hours, or with the token shown if that is sooner."""
    token = shown_token(request)
    if token is None:
        raise HTTPException(400, "show the token to sign in with as a bearer token")
    if not asking.web.seal.key_ids:
        raise HTTPException(409, "sessions need TOCSIN_SECRET_KEYS; `tocsin keys generate` makes one")
    carrier = Response()
    until = sessions.begin(carrier, asking.web.seal, token, asking.caller.until)
    response = answer(_who(asking) | {"expiresAt": datetime.fromtimestamp(until, UTC)})
    response.headers["Set-Cookie"] = carrier.headers["set-cookie"]
    return response


@router.delete("", status_code=204)
def end_session(asking: Reader, request: Request) -> Response:
    """Signs out: the browser forgets the cookie, and a token that was minted for the session opens nothing any more."""
    sign_ins.end(asking.web, request)
    response = answer(None, 204)
    response.headers["Set-Cookie"] = sessions.gone()
    return response


def _who(asking: Asked) -> dict[str, object]:
    caller = asking.caller
    return {"who": caller.who, "role": caller.role, "tenant": caller.tenant_slug}
