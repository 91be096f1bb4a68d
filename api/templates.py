"""Templates: how a tenant words its messages. Each is tried on the samples of its purpose before it is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.definitions import Line, Words
from api.nouns import Id, Noun
from api.refusals import BadDefinition, Busy, Problem, refuse
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from scheduler.refusals import NameTaken, NotFound, WrongState
from workers.formats.report import UNSEEN
from workers.kinds.purposes import PURPOSES
from workers.outcome import Message
from workers.templating.apart import BadSample, Ended, NoRoom, render
from workers.templating.template import in_words, sources_of

MOST_TEMPLATES = 200
# Whoever waits for a process holds a thread of the web's.
ROOM_SECONDS = 3.0
_UNIQUE = "23505"
_UNSEEN = str.maketrans("", "", "".join(sorted(UNSEEN)))
_PLAIN = str.maketrans("", "", "".join(["\n\r\t", *sorted(UNSEEN)]))

if TYPE_CHECKING:
    PurposeName = str
else:
    PurposeName = Literal[tuple(PURPOSES)]


class Template(NamedTuple):
    """A template; a part that is null is worded by Tocsin. Its version rises with each edit."""

    id: UUID
    name: str
    purpose: str
    subject: str | None
    text: str | None
    html: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class Named(NamedTuple):
    """What names a template."""

    name: str


class Preview(NamedTuple):
    """A message as a template words it."""

    sample: str
    samples: list[str]
    subject: str
    text: str
    html: str


INSERT = Query("insert_template", Id)
LIST = Query("list_templates", Template)
LOCK = Query("lock_template", Id)
UPDATE = Query("update_template")
DELETE = Query("delete_template")
LIST_ALERTS = Query("list_alerts_of_template", Named)
TEMPLATES: Noun[Template] = Noun(
    "template",
    "/api/templates",
    LIST,
    LOCK,
    DELETE,
    kept_because="alerts, pulses or reports are worded by the template {name!r}; take it out of them first",
    filters=("purpose",),
)


def _wording(text: str) -> str:
    if not text.translate(_PLAIN).isprintable():
        raise ValueError("takes printable text")
    return text


def _one_line(value: Any) -> Any:
    if isinstance(value, str) and not value.translate(_UNSEEN).isprintable():
        raise ValueError("takes one line of printable characters")
    return value


Subject = Annotated[
    str, BeforeValidator(_one_line), Field(min_length=1, max_length=500, description="one line; Tocsin's own if null")
]
Text = Annotated[
    str, AfterValidator(_wording), Field(min_length=1, max_length=50_000, description="plain; Tocsin's own if null")
]
Html = Annotated[
    str,
    AfterValidator(_wording),
    Field(min_length=1, max_length=100_000, description="what stands in a mail's page; Tocsin's own if null"),
]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class TemplateIn(_Body):
    """A template to be made."""

    name: Line
    purpose: Annotated[PurposeName, Words]
    subject: Subject | None = None
    text: Text | None = None
    html: Html | None = None


class TemplatePatch(_Body):
    """What changes; null gives a part back to Tocsin. A template's purpose stays."""

    name: Line | None = None
    subject: Subject | None = None
    text: Text | None = None
    html: Html | None = None


class PreviewIn(_Body):
    """A template to be looked at; it is stored nowhere."""

    name: Line | None = Field(None, description="not looked at")
    purpose: Annotated[PurposeName, Words]
    subject: Subject | None = None
    text: Text | None = None
    html: Html | None = None
    sample: str | None = Field(None, max_length=50, description="one of the purpose's samples; the first if left out")


def check(purpose: str, body: TemplateIn | TemplatePatch | PreviewIn) -> list[dict[str, str]]:
    """What the parts of a body make of each sample of a purpose. Raises BadDefinition naming part and line, Busy.

    It takes a process and up to some seconds: no transaction waits for it.
    """
    samples = PURPOSES[purpose].samples()
    sources = sources_of(body.subject, body.text, body.html)
    if not sources:
        return [{} for _ in samples]
    try:
        return render(sources, [made.context for made in samples.values()], room_seconds=ROOM_SECONDS)
    except BadSample as error:
        where = f"line {error.line}: " if error.line else ""
        raise refuse(error.part, f"{where}{error.message} (sample {[*samples][error.number]})") from None
    except NoRoom:
        raise Busy("too many templates are tried at once; try again in a moment") from None
    except Ended as error:
        # No part by itself is at fault where the process was ended: all of them are named.
        raise BadDefinition([Problem(part, str(error)) for part in sources]) from None


def preview(body: PreviewIn) -> Preview:
    """A sample in the words of a template. Raises BadDefinition."""
    samples = PURPOSES[body.purpose].samples()
    names = [*samples]
    name = names[0] if body.sample is None else body.sample
    if name not in samples:
        raise refuse("sample", f"takes one of {', '.join(names)}")
    made = check(body.purpose, body)[names.index(name)]
    message: Message = in_words(samples[name].message, made)
    return Preview(name, names, message.subject, message.text, message.html)


def create(conn: Connection, tenant_id: UUID, body: TemplateIn) -> Template:
    """The template made, which was checked. Raises BadDefinition, NameTaken."""
    if len(TEMPLATES.list_all(conn, tenant_id, limit=MOST_TEMPLATES)) == MOST_TEMPLATES:
        raise refuse("", f"a tenant has at most {MOST_TEMPLATES} templates")
    made = INSERT.one(conn, tenant_id=tenant_id, purpose=body.purpose, **_columns(body.model_dump()))
    if made is None:
        raise NameTaken(f"there is a template named {body.name!r} already")
    return TEMPLATES.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: Template, patch: TemplatePatch) -> Template:
    """The template with the fields of the patch, which was checked; the caller holds it. Raises NameTaken."""
    given = patch.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name != "name"}
    columns = _columns(row._asdict() | changes)
    try:
        with transaction(conn):
            UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **columns)
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a template named {columns['name']!r} already") from None
    return TEMPLATES.get(conn, tenant_id, row.id)


def check_unused(conn: Connection, tenant_id: UUID, row: Template) -> None:
    """Passes a template that no alert is worded by; the caller holds it. Raises WrongState naming the alerts."""
    found = LIST_ALERTS.all(conn, tenant_id=tenant_id, id=row.id)
    if found:
        names = ", ".join(repr(each.name) for each in found)
        raise WrongState(f"alerts are worded by the template {row.name!r}: {names}; take it out of them first")


def check_purpose(conn: Connection, tenant_id: UUID, template_id: UUID, purpose: str) -> None:
    """Passes a template of the purpose. Raises BadDefinition."""
    try:
        found = TEMPLATES.get(conn, tenant_id, template_id)
    except NotFound as error:
        raise refuse("templateId", str(error)) from None
    if found.purpose != purpose:
        raise refuse("templateId", f"takes a template for {purpose}, and {found.name!r} is for {found.purpose}")


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: fields[name] for name in ("name", "subject")}
    return found | {"body_text": fields["text"], "body_html": fields["html"]}
