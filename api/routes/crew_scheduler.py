"""`/api/scheduler`: the tenant's default crew, started, stopped and run by hand."""

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api import crew_scheduler
from api.crew_scheduler import MOST_MINUTES, Means, Mover
from api.definitions import Words
from api.problems import answers, good
from api.request import Asked, Change, Editor, Reader, answer
from db.pool import Connection

router = APIRouter(prefix="/api/scheduler", tags=["crew"], responses=answers(400, 401, 403, 422, 429, 503))


class CrewAction(BaseModel):
    """What the crew is to do."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[Literal["start", "stop", "run-now"], Words]
    intervalMinutes: Annotated[int, Field(strict=True, ge=1, le=MOST_MINUTES)] | None = Field(  # noqa: N815  as the contract spells its names
        None, description="how often it runs, for `start`; CREW_SCHEDULER_INTERVAL_MINUTES, or as before, if not given"
    )

    @model_validator(mode="after")
    def _interval_is_of_a_start(self) -> "CrewAction":
        if self.intervalMinutes is not None and self.action != "start":
            raise ValueError("takes intervalMinutes with start alone")
        return self


class CrewScheduler(BaseModel):
    """How the tenant's default crew stands."""

    isRunning: bool = Field(description="whether it runs by itself")  # noqa: N815  as the contract spells its names
    intervalMinutes: int | None = Field(description="how often; null where it runs by other than an interval")  # noqa: N815  likewise
    apiUrl: str | None = Field(description="what it asks first, without credentials; null for nothing")  # noqa: N815  likewise
    endpoints: int | None = Field(None, description="how many endpoints it asks; there where they are several")
    runId: str | None = Field(None, description="the run that `run-now` made")  # noqa: N815  likewise


@router.get("", responses=good(200, CrewScheduler))
def get_crew_scheduler(asking: Reader) -> Response:
    """How the crew stands."""
    with asking.reading() as conn:
        return answer(crew_scheduler.show(conn, asking.tenant, _means(asking)))


@router.post("", responses=good(200, CrewScheduler, 409))
def move_crew_scheduler(asking: Editor, body: CrewAction) -> Response:
    """Starts the crew (again: at another interval), stops it with all its calls, or has it run now."""
    means = _means(asking)

    def work(conn: Connection) -> Change:
        mover = Mover(asking.tenant, asking.caller.who)
        moved = crew_scheduler.move(mover, conn, means, body.action, body.intervalMinutes)
        return Change(moved.action, ("crew", asking.tenant), moved.before, moved.after, moved.after)

    return asking.writing(work)


def _means(asking: Asked) -> Means:
    settings = asking.web.settings
    return Means(settings.crew_url, settings.crew_minutes, asking.web.seal, settings.retention_days)
