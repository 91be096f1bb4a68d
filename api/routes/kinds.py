"""`/api/kinds`: what an installation can do, each kind with the JSON Schema of its params."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.definitions import TELLS_A_SECRET
from api.problems import answers
from api.request import Reader
from workers.kind import Kind

router = APIRouter(prefix="/api/kinds", tags=["kinds"], responses=answers(400, 401, 403, 404, 422, 429, 503))


class KindOut(BaseModel):
    """A kind of work. `params` is a JSON Schema; what is secret in it is writeOnly."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    name: str
    summary: str
    queue: str = Field(description="which workers take its runs, where its schedule does not say")
    timeout_seconds: int = Field(description="how long one attempt may take, where its schedule does not say")
    is_gated_only: bool = Field(description="its runs never overlap: it keeps state from one to the next")
    params: dict[str, Any] = Field(description="the JSON Schema of `jobPayload`")


class KindList(BaseModel):
    """All kinds, by name."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    items: list[KindOut]
    next_cursor: None = Field(None, description="always null: it is one page")


@router.get("")
def list_kinds(asking: Reader) -> KindList:
    """Every kind that schedules can be made of here, those of TOCSIN_KINDS included."""
    return KindList(items=[described(kind) for _, kind in sorted(asking.web.kinds.items())])


def described(kind: Kind) -> KindOut:
    """A kind as it is shown to people and programs."""
    schema = kind.Params.model_json_schema(by_alias=True)
    for name in kind.secret_fields:
        field = schema["properties"][kind.Params.model_fields[name].alias or name]
        if field.get("type") == "object":
            # Of named values those are hidden whose names tell a secret.
            field["x-sealed"] = TELLS_A_SECRET.pattern
        else:
            field["writeOnly"] = True
    return KindOut(
        name=kind.name,
        summary=kind.summary,
        queue=kind.queue,
        timeout_seconds=kind.timeout_seconds,
        is_gated_only=kind.is_gated_only,
        params=schema,
    )
