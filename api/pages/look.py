"""How pages look: the templates with their filters, and the headers of every page."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from api.pages import assets, nav, times
from db.jsonb import dumps, rfc3339

HEADERS: Final = {
    # Nothing but our own: text of tenants and models that got past the escaping would still run nothing.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; object-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

# Of what somebody else wrote, shown in a frame of our page: a mail or a report with its own styles. It runs nothing, calls
# nobody, and is of no origin, so it has no session.
FRAMED: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; sandbox; frame-ancestors 'self'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


def render(template: str, **values: Any) -> str:
    """The page as HTML; every value in it is escaped."""
    return _PAGES.get_template(template).render(values)


def instant(told: datetime | str | None) -> Markup:
    """An instant as people read it, in UTC; the page's script shows it in the reader's own zone."""
    at = _at(told)
    if at is None:
        return Markup('<span class="soft">-</span>')
    return Markup('<time datetime="{}">{} UTC</time>').format(rfc3339(at), f"{at.day} {at:%b %Y, %H:%M:%S}")


def minute(told: datetime | str | None) -> Markup:
    """An instant in a list, without its seconds; the whole instant stands behind it."""
    at = _at(told)
    if at is None:
        return Markup('<span class="soft">-</span>')
    return Markup('<time datetime="{}" title="{} UTC" data-minute>{} UTC</time>').format(
        rfc3339(at), f"{at.day} {at:%b %Y, %H:%M:%S}", f"{at.day} {at:%b %Y, %H:%M}"
    )


def begun(text: str) -> str:
    """The text as a sentence begins; its names stay as they are."""
    return text[:1].upper() + text[1:]


def ends(text: str, most: int) -> str:
    """The text, of a long one its beginning and its end: an error often says last what it is."""
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[:half].rstrip()} … {text[-half:].lstrip()}"


_INSTANT = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z")


def sentence(text: str) -> Markup:
    """A sentence with its instants as people read them."""
    parts, end = [], 0
    for found in _INSTANT.finditer(text):
        parts += [escape(text[end : found.start()]), instant(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


_CODE = re.compile(r"`([^`]+)`")


def coded(text: str) -> Markup:
    """A text whose names stand between backticks, with those as code."""
    # A split by one group has what the group took at every other place.
    parts = enumerate(_CODE.split(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in parts
    )


def ago(told: datetime | str | None, now: datetime) -> Markup:
    """How long before or after `now` an instant is, roughly; the instant stands behind it, and the page's script counts on."""
    at = _at(told)
    if at is None:
        return Markup('<span class="soft">-</span>')
    seconds = (now - at).total_seconds()
    text = "now" if abs(seconds) < 1 else f"{span(abs(seconds))} ago" if seconds > 0 else f"in {span(-seconds)}"
    return Markup('<time datetime="{}" title="{} UTC" data-ago="{}">{}</time>').format(
        rfc3339(at), f"{at.day} {at:%b %Y, %H:%M:%S}", round(seconds, 1), text
    )


def _at(told: datetime | str | None) -> datetime | None:
    # The API's answers have instants as text.
    return datetime.fromisoformat(told) if isinstance(told, str) else told


def span(seconds: float | timedelta | Decimal | None) -> str:
    """A span in its one or two largest units: `3 min`, `2 d 4 h`, `120 ms`."""
    if seconds is None:
        return "-"
    left = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if left < 0.9995:
        return f"{left * 1000:.0f} ms"
    if left < 10:
        return f"{left:.1f} s".replace(".0 ", " ")
    if left < 60:
        return f"{left:.0f} s"
    for (unit, size), (small, part) in pairwise(_UNITS):
        if left >= size:
            whole, rest = divmod(int(left), size)
            more = rest // part
            return f"{whole} {unit}" + (f" {more} {small}" if more and whole < 10 else "")
    return f"{left:.0f} s"


_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def between(first: str | None, last: str | None) -> str:
    """How long it is from one instant to another, as the API tells them."""
    begin, end = _at(first), _at(last)
    return "-" if begin is None or end is None else span(max(0.0, (end - begin).total_seconds()))


def number(value: float | Decimal | None) -> str:
    """A number with its thousands apart."""
    if value is None:
        return "-"
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:,.4g}".replace(",", "\u202f")


def size(count: int) -> str:
    """A size in bytes as people read it."""
    left = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if left < 1000 or unit == "GB":
            return f"{left:.0f} {unit}" if unit == "B" or left >= 100 else f"{left:.1f} {unit}"
        left /= 1000
    raise AssertionError


def words(name: str) -> str:
    """A field's name as a label: `createdAt` is `Created at`."""
    spaced = re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f" {found[1].lower()}", name)
    spaced = spaced.removesuffix(" id")
    return spaced[:1].upper() + spaced[1:]


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(json.loads(dumps(value)), indent=2, ensure_ascii=False)


def address(path: str, query: Mapping[str, Any], **changed: Any) -> str:
    """The page's address with these filters changed; None takes one away."""
    kept = {name: value for name, value in {**query, **changed}.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters.update(
    begun=begun,
    coded=coded,
    instant=instant,
    minute=minute,
    picked=times.picked,
    sentence=sentence,
    ago=ago,
    ends=ends,
    span=span,
    number=number,
    size=size,
    pretty=pretty,
    asset=assets.address,
    words=words,
)
_PAGES.globals.update(
    address=address,
    between=between,
    words=words,
    nav=nav.GROUPS,
    open_doors=nav.open_doors,
    is_here=nav.is_here,
    # Of a page that nobody in particular reads, such as the one that says what went wrong.
    reader=None,
    path="",
    said=None,
    is_hosting=False,
    page=None,
)
