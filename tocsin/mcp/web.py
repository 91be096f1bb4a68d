"""The HTTP API as the tools ask it, with the token that the server was given: walls, roles, limits and audit are the API's."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from mcp.server.mcpserver.exceptions import ToolError

from tocsin.mcp import shown

_PATIENCE_SECONDS = 60.0
NOT_FOUND = 404
PLAN = "Tocsin-Plan"
_MEANINGS = {
    401: "the token is wrong, expired or revoked",
    403: "the token does not allow this",
    404: "there is no such thing for this tenant",
    409: "its state does not allow this",
    422: "the API refused fields",
    429: "too many requests: wait and ask again",
}


class NotThere(ToolError):
    """The API knows no such thing, of this tenant."""


class Web:
    """The API at an address, asked with a token; of an operator's token, for the tenant that `tenant` names."""

    def __init__(self, url: str, token: str, tenant: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "tocsin-mcp"}
        if tenant is not None:
            headers["Tocsin-Tenant"] = tenant
        self._plans = False
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=_PATIENCE_SECONDS)

    async def close(self) -> None:
        """Lets the connections go."""
        await self._http.aclose()

    async def get(self, path: str, **params: Any) -> Any:
        """What the API answers to a question; parameters that are None are left out."""
        return _json(await self._ask("GET", path, params=params))

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the API answers to a question that has a body and changes nothing."""
        return _json(await self._ask("POST", path, json=body))

    async def change(self, method: str, path: str, body: Mapping[str, Any] | None, key: str) -> Any:
        """What the API answers to a change; under one key it is made once. None where it answers nothing."""
        answer = await self._ask(method, path, json=body, headers={"Idempotency-Key": key})
        return _json(answer) if answer.content else None

    async def plan(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the API would make of a body, which it refuses as if it did; None where it is too old to plan."""
        if not self._plans:
            # An API that does not know the header would make it.
            told = (await self.get("/openapi.json"))["paths"].get(path, {}).get("post", {}).get("parameters", ())
            self._plans = any(each.get("name", "").lower() == PLAN.lower() for each in told)
        if not self._plans:
            return None
        return dict(_json(await self._ask("POST", path, json=body, headers={PLAN: "true"})))

    async def now(self) -> datetime:
        """The time by the API's clock, to the second. Raises ToolError where the token opens nothing."""
        said = (await self._ask("GET", "/api/session")).headers.get("Date", "")
        try:
            return parsedate_to_datetime(said).astimezone(UTC)
        except ValueError:
            raise ToolError("Tocsin's answers carry no date: name the day as 2026-03-29") from None

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        if "params" in options:
            options["params"] = {name: value for name, value in options["params"].items() if value is not None}
        if options.get("json", ...) is None:
            del options["json"]
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TimeoutException:
            raise ToolError(f"Tocsin did not answer within {_PATIENCE_SECONDS:.0f} s{_unsure(method)}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"Tocsin cannot be asked: {type(error).__name__}{_unsure(method)}") from None
        if answer.is_success:
            return answer
        raise (NotThere if answer.status_code == NOT_FOUND else ToolError)(_refusal(answer))


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise ToolError("what answers at TOCSIN_URL is no Tocsin: its answer is no JSON") from None


def _unsure(method: str) -> str:
    return "" if method == "GET" else "; it may have been done all the same, so look before you ask again"


def _refusal(answer: httpx.Response) -> str:
    """What the API refuses and why, each field at fault by its pointer."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    meaning = _MEANINGS.get(answer.status_code, "Tocsin cannot do this now")
    told = {name: problem[name] for name in ("detail", "errors") if problem.get(name)}
    return f"{answer.status_code}: {meaning}" + (f"\n{shown.marked(told)}" if told else "")
