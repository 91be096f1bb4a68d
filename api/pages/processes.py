"""`/processes`: what runs, and since when."""

from typing import Any

from fastapi.responses import Response

from api.pages.page import OperatorPage
from api.pages.route import pages
from api.routes import processes
from scheduler.schedules import read_now

router = pages("processes")


@router.get("/processes")
def list_processes(page: OperatorPage) -> Response:
    """The processes of every role: those that live first."""
    found = processes.list_processes(page.asking).model_dump(by_alias=True)["items"]
    order = {"alive": 0, "lost": 1, "stopped": 2}
    found.sort(key=lambda each: (order.get(each["state"], 3), each["role"]))
    counts: dict[str, Any] = {
        role: sum(each["role"] == role and each["state"] == "alive" for each in found)
        for role in ("web", "ticker", "worker")
    }
    with page.reading() as conn:
        now = read_now(conn)
    return page.show("processes.html.j2", found=found, counts=counts, now=now)
