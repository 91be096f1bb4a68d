"""`/`: whether everything rang, what did not, and what rings next."""

from typing import Any

from fastapi.responses import Response

from api import picture
from api.charts import timeline
from api.pages.page import ViewerPage, told
from api.pages.route import pages
from api.picture import Need, Picture
from api.routes import runs

router = pages("overview")

_LAST = 10
# What each sort of need is called, and where it is looked after.
_NEEDS = {
    "source": ("Source gives no answer", "/sources/{about}"),
    "graph": ("Graph is refused by its source", "/graphs/{about}"),
    "late": ("Schedule is late", "/schedules/{about}"),
    "dead": ("Its runs die", "/schedules/{about}"),
    "undelivered": ("What it tells does not arrive", "/schedules/{about}"),
    "template": ("Its template fails", "/schedules/{about}"),
    "crew": ("Its crew brings hardly an answer", "/schedules/{about}"),
    "circuit": ("Calls are held back, the endpoint fails", "/limits"),
    "webhook": ("Webhook is switched off", "/webhooks/{about}"),
    "letters": ("Dead letters", "/dead-letters?kind={about}&cause={name}"),
}
_BAD = frozenset({"source", "graph", "dead", "undelivered", "crew", "letters"})


@router.get("/")
def show_overview(page: ViewerPage) -> Response:
    """The overview."""
    with page.reading() as conn:
        # Before it is read: what changes in between is told, rather than missed.
        seen = picture.sign(conn, page.tenant)
        found = picture.read(conn, page.tenant)
    last = told(runs.list_runs(page.asking, last_at=found.look.now, limit=_LAST))["items"]
    return page.show(
        "overview.html.j2",
        seen=seen,
        found=found,
        now=found.look.now,
        plot=timeline.draw(found.columns, found.look.now),
        needs=[_told(need) for need in found.needs],
        verdict=verdict(found),
        last=last,
        late_seconds=picture.LATE_SECONDS,
        seen_most=picture.SEEN,
    )


def _told(need: Need) -> dict[str, Any]:
    """A need in words, and where it leads."""
    words, path = _NEEDS[need.what]
    # A dead letter's name is its cause, which says little without the kind.
    name = f"{need.about}, {need.name.replace('_', ' ')}" if need.what == "letters" else need.name
    return {
        "words": words,
        "name": name,
        "path": path.format(about=need.about, name=need.name),
        "since": need.since,
        "why": None if need.what == "late" else need.why,
        "slot": need.why if need.what == "late" else None,
        "times": need.times if need.what in ("letters", "circuit") else 1,
        "look": "bad" if need.what in _BAD else "warn",
    }


def verdict(found: Picture) -> tuple[str, str]:
    """Whether everything rang, in a sentence, and how it looks."""
    totals = found.totals
    rang = totals["on_time"] + totals["late"]
    if not found.look.tickers:
        return "bad", "No ticker lives, so nothing is planned."
    if not found.look.workers:
        return "bad", "No worker lives, so nothing is done."
    if totals["dead"] or totals["late"] or found.needs:
        parts = [
            f"{totals[word]:,} {words}"
            for word, words in (("dead", "died"), ("late", "came late"), ("skipped", "were skipped"))
            if totals[word]
        ]
        of = f"Of {rang + totals['dead'] + totals['skipped']:,} slots in the last 24 hours " if parts else ""
        needs = "" if not found.needs else f"{_number(len(found.needs))} you."
        return "bad" if totals["dead"] or found.needs else "warn", " ".join(
            filter(None, (of + _joined(parts) + "." if parts else "", needs))
        )
    were = "was" if totals["asked"] == 1 else "were"
    asked = f" {totals['asked']:,} more {were} made up or asked for." if totals["asked"] else ""
    if not rang:
        return "wait", f"Nothing was due in the last 24 hours.{asked}"
    skipped = f" {totals['skipped']:,} were skipped, as their schedules say." if totals["skipped"] else ""
    return "good", f"Everything rang: {rang:,} slots in the last 24 hours, each on time.{skipped}{asked}"


def _number(count: int) -> str:
    return "One thing needs" if count == 1 else f"{count} things need"


def _joined(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
