"""`/api/pulse-job`: what became of a pulse's report, from its making to its mail."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import pulse_jobs
from api.problems import answers, good
from api.request import Change, Editor, Reader, answer
from api.routes.pulses import PulseJob
from db.pool import Connection
from scheduler import schedules

router = APIRouter(prefix="/api/pulse-job", tags=["pulses"], responses=answers(400, 401, 403, 404, 422, 429, 503))


class CleanUpIn(BaseModel):
    """Which jobs are taken for stuck."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    open_for_hours: Annotated[int, Field(strict=True, ge=1, le=8760)] = pulse_jobs.STALE_HOURS


class RanJob(BaseModel):
    """The job as it is now."""

    job: PulseJob


class Cleaned(BaseModel):
    """How many jobs were cancelled."""

    canceled: int


@router.post("/cleanup", responses=good(200, Cleaned))
def clean_up_pulse_jobs(asking: Editor, body: CleanUpIn | None = None) -> Response:
    """Cancels the jobs that are open for a day, or for so many hours, and that no living process works on."""
    hours = pulse_jobs.STALE_HOURS if body is None else body.open_for_hours

    def work(conn: Connection) -> Change:
        canceled = pulse_jobs.cleanup(conn, asking.tenant, hours)
        after = {"jobIds": canceled}
        return Change("pulse_job.canceled", ("pulse_job", "stale"), None, after, {"canceled": len(canceled)})

    return asking.writing(work)


@router.get("/{job_id}", responses=good(200, PulseJob))
def get_pulse_job(asking: Reader, job_id: UUID) -> Response:
    """One job."""
    with asking.reading() as conn:
        found = pulse_jobs.get(conn, asking.tenant, job_id)
    return answer(pulse_jobs.shown(found))


@router.post("/{job_id}/run", responses=good(200, RanJob))
def run_pulse_job(asking: Editor, job_id: UUID) -> Response:
    """The job as it is: each is run by the workers from the moment that it is made, so there is nothing to begin."""
    with asking.reading() as conn:
        found = pulse_jobs.get(conn, asking.tenant, job_id)
        schedules.wake(conn)
    return answer({"job": pulse_jobs.shown(found)})
