"""`/api/templates`: how a tenant words its messages, tried on samples before they are kept."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import shapes, templates
from api.paging import Cursor, Limit
from api.problems import answers, good
from api.request import Editor, Reader, answer
from api.templates import TEMPLATES, Preview, PreviewIn, PurposeName, Template, TemplateIn, TemplatePatch

router = APIRouter(prefix="/api/templates", tags=["templates"], responses=answers(400, 401, 403, 404, 422, 429, 503))

TemplateOut = shapes.model_of(Template, "Template")
TemplateList = shapes.list_of(TemplateOut, "TemplateList")
PreviewOut = shapes.model_of(Preview, "TemplatePreview")


@router.get("", responses=good(200, TemplateList))
def list_templates(
    asking: Reader,
    purpose: Annotated[PurposeName | None, Query(description="for this purpose alone")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The templates, newest first."""
    return TEMPLATES.answer_list(asking, limit, cursor, purpose=purpose)


@router.post("", status_code=201, responses=good(201, TemplateOut))
def create_template(asking: Editor, body: TemplateIn) -> Response:
    """Makes a template, once it makes a message of each sample of its purpose."""
    templates.check(body.purpose, body)
    return TEMPLATES.create(asking, lambda conn: templates.create(conn, asking.tenant, body))


@router.post("/preview", responses=good(200, PreviewOut))
def preview_template(asking: Editor, body: PreviewIn) -> Response:  # noqa: ARG001 - an editor's to ask
    """A sample of the purpose in the words of a template; nothing is stored."""
    return answer(shapes.plain(templates.preview(body)))


@router.get("/{template_id}", responses=good(200, TemplateOut))
def get_template(asking: Reader, template_id: UUID) -> Response:
    """One template."""
    return TEMPLATES.answer_one(asking, template_id)


@router.patch("/{template_id}", responses=good(200, TemplateOut, 412))
def edit_template(asking: Editor, template_id: UUID, body: TemplatePatch) -> Response:
    """Changes a template; the next messages are worded by it."""
    with asking.reading() as conn:
        purpose = TEMPLATES.get(conn, asking.tenant, template_id).purpose
    templates.check(purpose, body)
    return TEMPLATES.edit(asking, template_id, lambda conn, row: templates.edit(conn, asking.tenant, row, body))


@router.delete("/{template_id}", status_code=204, responses=answers(409, 412))
def delete_template(asking: Editor, template_id: UUID) -> Response:
    """Deletes a template that no alert is worded by."""
    return TEMPLATES.remove(
        asking, template_id, first=lambda conn, row: templates.check_unused(conn, asking.tenant, row)
    )
