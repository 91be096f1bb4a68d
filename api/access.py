"""Who may ask: until tokens of their own exist, what tells about the installation opens to METRICS_TOKEN alone.

Not set means shut, also on loopback: behind a proxy on the same machine everybody comes from loopback.
"""

import hmac
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.state import Web, web_of

_bearer = HTTPBearer(auto_error=False, description="the value of METRICS_TOKEN")


def operator(
    web: Annotated[Web, Depends(web_of)],
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Passes who shows METRICS_TOKEN as a bearer token; 403 when none is set, 401 for anybody else."""
    token = web.settings.metrics_token
    if not token:
        raise HTTPException(403, "METRICS_TOKEN is not set, so nobody may read this here")
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), token.encode()):
        raise HTTPException(401, "show METRICS_TOKEN as a bearer token", {"WWW-Authenticate": "Bearer"})


Operator = Depends(operator)
