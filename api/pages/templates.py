"""`/templates`: a tenant's own words of its mails; a sample is shown in them before they are saved."""

from typing import Any

from fastapi.responses import Response

from api.pages.forms import Typed
from api.pages.page import EditorPage, Page, told
from api.pages.rooms import Field, Room, Shape, routes
from api.problems import Refusal
from api.routes import templates
from api.templates import PreviewIn, TemplateIn, TemplatePatch

_PURPOSES = ("kpi.threshold", "kpi.schedule", "pulse.report", "report.export")
_OWN = "Blank: Tocsin's own words."


def _sample(page: Page, row: Shape) -> dict[str, Any]:
    if not page.may("editor"):
        return {}
    body = PreviewIn(**{name: row[name] for name in ("purpose", "subject", "text", "html")})
    return {"preview": told(templates.preview_template(page.asking, body))}


ROOM = Room(
    path="/templates",
    title="Templates",
    one="template",
    note="Your own words for mails, tried on samples before they are saved.",
    empty="Tocsin has words of its own for every mail. A template replaces the subject, the text or what stands in the page.",
    columns={"Name": "name", "For": "purpose", "Version": "version", "Changed": "updatedAt"},
    listed=templates.list_templates,
    got=templates.get_template,
    made=templates.create_template,
    taken=TemplateIn,
    edited=templates.edit_template,
    patched=TemplatePatch,
    deleted=templates.delete_template,
    show="templates/one.html.j2",
    form="templates/form.html.j2",
    beside=_sample,
    fields=(
        Field("name", "Name", required=True),
        Field("purpose", "For mails of", "choice", choices=[(each, each) for each in _PURPOSES], once=True),
        Field("subject", "Subject", hint=_OWN, may_be_null=True),
        Field("text", "Text", "textarea", _OWN, rows=8, may_be_null=True),
        Field("html", "Page", "textarea", f"HTML. {_OWN}", rows=12, may_be_null=True),
    ),
)
router = routes(ROOM)


@router.post("/templates/new/preview")
def preview_template(page: EditorPage, form: Typed) -> Response:
    """A sample in the words that were typed; nothing is saved."""

    def show(refusal: Refusal | None = None, preview: Shape | None = None) -> Response:
        fields = ROOM.fields
        return page.show(
            ROOM.form, room=ROOM, fields=fields, values=form.typed(), refusal=refusal, row=None, preview=preview
        )

    page.if_refused(show)
    return show(preview=told(templates.preview_template(page.asking, form.body(PreviewIn))))
