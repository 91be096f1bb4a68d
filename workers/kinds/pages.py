"""The mails of Tocsin's kinds, as text and as a page, each with what the tenant's branding adds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from workers.branding import Branding
from workers.outcome import Message


class Pages(NamedTuple):
    """One mail, twice."""

    text: str
    html: str


class Made(NamedTuple):
    """A message in our own words, and what it was made of as plain data: what a tenant's template may speak of."""

    message: Message
    context: dict[str, Any]


def branded(brand: Branding) -> dict[str, Any]:
    """The branding as a template may speak of it."""
    colors = {"color": brand.band_color, "text_color": brand.text_color}
    return {"name": brand.name, "footer": brand.footer, **colors}


def fill(name: str, facts: Mapping[str, Any], brand: Branding) -> Pages:
    """The mail that the templates `NAME.txt.j2` and `NAME.html.j2` make of the facts."""
    text, html = (_TEMPLATES.get_template(f"{name}.{form}.j2").render(facts, brand=brand) for form in ("txt", "html"))
    return Pages(text, html)


# HTML escapes whatever it is given, text does not; a name that is missing stops the run instead of leaving a gap.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
