"""`/templates`: a tenant's own words of its mails; a sample is shown in them before they are saved."""

from uuid import UUID

from fastapi.responses import Response

from api.pages import look
from api.pages.forms import Typed
from api.pages.page import EditorPage, Page, told
from api.pages.rooms import Field, Room, routes
from api.routes import templates
from api.templates import PreviewIn, TemplateIn, TemplatePatch
from workers.kinds.purposes import PURPOSES

_PURPOSES = ("kpi.threshold", "kpi.schedule", "pulse.report", "report.export")
_OWN = "Blank: Tocsin's own words."


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
    form_beside={"purposes": {name: each.fields for name, each in PURPOSES.items()}},
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
    """A sample in the words that were typed, for the frame beside the form; nothing is saved."""
    page.if_refused(lambda refusal: page.framed(look.render("templates/refused.html.j2", refusal=refusal)))
    return _sample(page, form.body(PreviewIn))


@router.post("/templates/{template_id}/preview")
def preview_edited(page: EditorPage, template_id: UUID, form: Typed) -> Response:
    """A sample in the words that were typed over those of a template, for the frame beside its form; nothing is saved."""
    page.if_refused(lambda refusal: page.framed(look.render("templates/refused.html.j2", refusal=refusal)))
    return _sample(page, form.body(PreviewIn, purpose=ROOM.row(page, template_id)["purpose"]))


@router.get("/templates/{template_id}/sample")
def show_sample(page: EditorPage, template_id: UUID) -> Response:
    """A sample in the words of a template, for the frame of its page."""
    row = ROOM.row(page, template_id)
    return _sample(page, PreviewIn(**{name: row[name] for name in ("purpose", "subject", "text", "html")}))


def _sample(page: Page, body: PreviewIn) -> Response:
    shown = told(templates.preview_template(page.asking, body))
    return page.framed(look.render("templates/sample.html.j2", shown=shown))
