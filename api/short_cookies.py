"""What a browser carries for some minutes while somebody signs in, sealed: nobody but us reads or writes it."""

import base64
import binascii
import json
import time
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from config.seal import Place, Seal, SealError

_PREFIX: Final = "__Host-tocsin-"
_NOBODYS = UUID(int=0)


def put(response: Response, seal: Seal, name: str, value: dict[str, Any], seconds: int) -> None:
    """Has the browser carry the value. Raises SealError where there is no key."""
    until = int(_now()) + seconds
    sealed = seal.seal(json.dumps({"until": until, "value": value}), _place(name))
    text = base64.urlsafe_b64encode(sealed.encode()).decode()
    response.set_cookie(_PREFIX + name, text, seconds, path="/", secure=True, httponly=True, samesite="lax")


def read(request: Request, seal: Seal, name: str) -> dict[str, Any] | None:
    """What the browser carries by that name; None where that is nothing, too old or not of ours."""
    text = request.cookies.get(_PREFIX + name, "")
    try:
        found: dict[str, Any] = json.loads(seal.open(base64.urlsafe_b64decode(text).decode(), _place(name)))
    except (SealError, binascii.Error, ValueError):
        return None
    value: dict[str, Any] = found["value"]
    return value if found["until"] > _now() else None


def drop(response: Response, name: str) -> None:
    """Has the browser forget it."""
    response.delete_cookie(_PREFIX + name, path="/", secure=True, httponly=True, samesite="lax")


def _place(name: str) -> Place:
    return Place(_NOBODYS, "sessions", _NOBODYS, name)


def _now() -> float:
    return time.time()  # noqa: TID251  the web's own clock, by which its sessions end too
