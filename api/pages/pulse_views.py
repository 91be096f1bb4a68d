"""What a pulse's job wrote, shown again as its readers got it, with each number marked by what the check found of it."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from markupsafe import escape

from config.zones import zone
from workers.branding import Branding
from workers.kinds.pulse_mail import Sheet, Told, render
from workers.pulses.clear import clear, parser
from workers.pulses.evidence import read
from workers.pulses.page import Page, make
from workers.pulses.settle import MARK

# Letters that no report has: they are taken out of it first, so that no text marks itself. What makes the page keeps
# them as it keeps any letter, and they become marks when nothing else is done to it.
_OPEN: Final = {"verified": "\N{VAI SYLLABLE EE}", "unverified": "\N{VAI SYLLABLE EEN}"}
_CLOSE: Final = "\N{VAI SYLLABLE HEE}"
_SIGNS: Final = re.compile(f"[{''.join(_OPEN.values())}{_CLOSE}]")
_FENCES: Final = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)", re.DOTALL | re.MULTILINE)
_TAGS: Final = re.compile(r"(<[^>]*>)")
_MARKS: Final = {
    _OPEN["verified"]: '<mark class="verified" title="verified">',
    _OPEN["unverified"]: '<mark class="unverified" title="unverified">',
    _CLOSE: "</mark>",
}


def report(record: Mapping[str, Any], told: Told, brand: Branding, origins: Sequence[str]) -> str:
    """The report of a job's record as a whole document for a frame; `told` has its slot in the pulse's zone."""
    page = _page(record, brand, origins)
    sheet = Sheet(page, (), (), record.get("fallbackReason") or "")
    return _with_pictures(_with_style(render(sheet, (), brand, told).message.html), page)


def mail(record: Mapping[str, Any], brand: Branding, origins: Sequence[str]) -> str:
    """The mail of a job that was sent to nobody, as it would have been."""
    kept = record["page"]["html"]
    return _with_pictures(kept, _page(record, brand, origins)) if "cid:chart-" in kept else kept


def nothing(sentence: str) -> str:
    """A document that says why there is no report."""
    return f"<!doctype html><html lang='en'><title>No report</title><p>{escape(sentence)}</p></html>"


def place(title: str, told: str, timezone: str, run_id: str) -> Told:
    """Which report it is: of a slot as the API tells it, in the pulse's zone."""
    at = datetime.fromisoformat(told).astimezone(zone(timezone))
    return Told(title, at, timezone, run_id)


def marked(text: str, claims: Sequence[Mapping[str, Any]]) -> str:
    """The text that was sent with signs about each number that was proved or not; as it is where it would read otherwise.

    The claims' spans are places of the text that was checked, behind whose unverified numbers the words of the mark came.
    """
    plain = _SIGNS.sub("", text)
    fences = [match.span() for match in _FENCES.finditer(plain)]
    edits: list[tuple[int, int, str]] = []
    moved = 0
    for claim in sorted(claims, key=lambda each: each["span"]):
        start, end = (at + moved for at in claim["span"])
        if claim["verdict"] == "unverified":
            moved += len(MARK)
        is_there = plain[start:end] == claim["text"] and not any(first <= start < last for first, last in fences)
        if is_there and claim["verdict"] in _OPEN:
            edits.append((start, end, _OPEN[claim["verdict"]]))
    found = plain
    for start, end, sign in reversed(edits):
        found = f"{found[:start]}{sign}{found[start:end]}{_CLOSE}{found[end:]}"
    return found if _SIGNS.sub("", _shown(found)) == _shown(plain) else plain


def _shown(text: str) -> str:
    return str(parser().render(clear(text)))


def _page(record: Mapping[str, Any], brand: Branding, origins: Sequence[str]) -> Page:
    """The page of a record. Raises ValueError for one whose evidence can't be read."""
    claims = () if record.get("isFallback") else (record.get("check") or {}).get("claims", ())
    page = make(marked(record["report"], claims), read(json.dumps(record["evidence"])), origins, brand)
    parts = [
        _SIGNS.sub("" if part.startswith("<") else lambda sign: _MARKS[sign[0]], part)
        for part in _TAGS.split(page.html)
    ]
    return page._replace(html="".join(parts), text=_SIGNS.sub("", page.text))


def _with_style(html: str) -> str:
    return html.replace("</head>", f"<style>{_STYLE}</style></head>", 1)


_STYLE: Final = (
    "mark{background:#e3f2e9;color:#0f4d2b;border-radius:3px;padding:0 2px;border-bottom:2px solid #17713f}"
    "mark.unverified{background:#fbe9e7;color:#8c1a11;border-bottom:2px dashed #b02318}"
)


def _with_pictures(html: str, page: Page) -> str:
    """The document with its pictures within: nobody is asked for them."""
    for each in page.pictures:
        data = base64.b64encode(each.content).decode()
        html = html.replace(f"cid:{each.content_id}", f"data:{each.content_type};base64,{data}")
    return html
