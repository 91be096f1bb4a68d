"""`/api/processes`: what runs, and what ran within the last day."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_serializer
from pydantic.alias_generators import to_camel

from api.problems import answers
from api.request import OperatorReader
from db.jsonb import rfc3339
from db.query import Query

router = APIRouter(prefix="/api/processes", tags=["processes"], responses=answers(400, 401, 403, 422, 429, 503))


class ProcessRow(NamedTuple):
    """A process as it is stored, with the state that follows from its lease."""

    id: UUID
    role: str
    host: str
    pid: int
    version: str
    queues: list[str]
    threads: int
    started_at: datetime
    seen_at: datetime
    leased_until: datetime
    state: str


LIST = Query("list_processes", ProcessRow)


class ProcessOut(BaseModel):
    """A process: alive, stopped (in order) or lost (its lease ran out)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)

    id: UUID
    role: str
    state: str
    host: str
    pid: int
    version: str
    queues: list[str]
    threads: int
    started_at: datetime
    seen_at: datetime
    leased_until: datetime

    @field_serializer("started_at", "seen_at", "leased_until")
    def _in_utc(self, instant: datetime) -> str:
        return rfc3339(instant)


class ProcessList(BaseModel):
    """The processes, newest first."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    items: list[ProcessOut]
    next_cursor: None = Field(None, description="always null: it is one page")


@router.get("")
def list_processes(asking: OperatorReader) -> ProcessList:
    """The processes of every role, at most 500."""
    with asking.reading() as conn:
        rows = LIST.all(conn)
    return ProcessList(items=[ProcessOut.model_validate(row) for row in rows])
