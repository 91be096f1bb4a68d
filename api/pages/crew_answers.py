"""`/crew/answers`: what endpoints answered about users, as trees that are opened and closed."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.pages import json_tree
from api.pages.page import EditorPage, ViewerPage, told
from api.pages.route import pages
from api.paging import Word
from api.routes import crew_responses
from api.routes.crew_responses import When
from scheduler.schedules import read_now

router = pages("answers")
ANSWERS = "/crew/answers"
_PAGE = 20
# Of one answer in the list, of one on its page, and of one of which all was asked for.
_FEW, _SOME, _ALL = 40, 400, 20_000


@router.get("/crew/answers")
def list_answers(
    page: ViewerPage,
    user_uid: Annotated[Word | None, Query(alias="userUid", max_length=255)] = None,
    start_date: Annotated[When, Query(alias="startDate")] = None,
    end_date: Annotated[When, Query(alias="endDate")] = None,
    path: Annotated[Word | None, Query()] = None,
    equals: Annotated[Word | None, Query()] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """The answers, newest first."""
    found = told(
        crew_responses.list_crew_responses(
            page.asking, user_uid, _PAGE, offset, start_date, end_date, path=path, equals=equals
        )
    )
    with page.reading() as conn:
        now = read_now(conn)
    trees = {each["id"]: json_tree.draw(each["responseData"], most=_FEW, finds=ANSWERS) for each in found["items"]}
    return page.show("crew/answers.html.j2", found=found, trees=trees, now=now)


@router.get("/crew/answers/{response_id}")
def show_answer(page: ViewerPage, response_id: UUID) -> Response:
    """One answer; `?all=true` shows all of a long one."""
    row = told(crew_responses.get_crew_response(page.asking, response_id))
    most = _ALL if page.query["all"] == "true" else _SOME
    tree = json_tree.draw(row["responseData"], most=most, finds=ANSWERS)
    return page.show("crew/answer.html.j2", row=row, tree=tree)


@router.post("/crew/answers/{response_id}/delete")
def delete_answer(page: EditorPage, response_id: UUID) -> Response:
    """Deletes an answer."""
    crew_responses.delete_crew_response(page.asking, response_id)
    return page.done(ANSWERS, "The answer is deleted.")
