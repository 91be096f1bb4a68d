"""A text as a mail's page, as plain text, and as sections of a PDF: nothing of it runs, loads or leads astray."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import urlsplit

import nh3
from markdown_it.token import Token

from workers.branding import Branding
from workers.formats.report import MissingExtra, Section
from workers.outcome import Attachment
from workers.pulses.charts import MOST_CHARTS, draw, section_of
from workers.pulses.clear import clear, parser
from workers.pulses.evidence import Evidence
from workers.pulses.narrative import Checker
from workers.pulses.outline import lines, sections, words_of

_CELL = "padding:6px 8px;border-bottom:1px solid #eaecf0;overflow-wrap:anywhere;"
# A mail has no stylesheet that all readers keep: each tag bears its own look, which no text can change.
_LOOK = {
    "table": "border-collapse:collapse;font-size:13px;line-height:18px;width:100%;",
    "th": _CELL + "color:#344054;font-weight:600;",
    "td": _CELL + "font-variant-numeric:tabular-nums;",
    "h1": "font-size:20px;line-height:28px;margin:20px 0 8px;",
    "h2": "font-size:16px;line-height:24px;margin:20px 0 8px;",
    "h3": "font-size:14px;line-height:20px;margin:16px 0 6px;",
    "p": "margin:0 0 12px;overflow-wrap:anywhere;",
    "blockquote": "margin:0 0 12px;padding-left:12px;border-left:3px solid #e4e7ec;color:#475467;",
    "pre": "white-space:pre-wrap;overflow-wrap:anywhere;background:#f9fafb;padding:8px;",
    "img": "display:block;width:100%;max-width:624px;height:auto;border:0;",
}
_TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "a", "img",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "width"}, "th": {"align"}, "td": {"align"}, "ol": {"start"}}
MOST_NOTES = 50
LEFT_OUT = "(address left out)"
# With a scheme, with www in front, or a name with a path behind it.
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]*:/{1,}|\bwww\d?\.)\S+|\bmailto:\S+|\b(?:[\w-]+\.)+[a-z]{2,24}(?::\d{1,5})?/\S*",
    re.IGNORECASE,
)


class Page(NamedTuple):
    """A text in its three forms; `pictures` are named by the page, `notes` tell what was left out, for the record."""

    html: str
    text: str
    sections: tuple[Section, ...]
    pictures: tuple[Attachment, ...]
    notes: tuple[str, ...]


def make(markdown: str, evidence: Evidence, origins: Iterable[str] = (), brand: Branding | None = None) -> Page:
    """Return a text as a page. `origins`, such as `https://example.org`, are where its links may lead."""
    drawing = _Drawing(Checker(evidence), frozenset(filter(None, map(_origin, origins))), brand or Branding())
    tokens = [each for token in parser().parse(clear(markdown)) for each in drawing.block(token)]
    md = parser()
    raw = md.renderer.render(tokens, md.options, {})
    return Page(
        nh3.clean(
            raw,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"https", "http", "cid"},
            attribute_filter=_only_ours,
            set_tag_attribute_values={tag: {"style": look} for tag, look in _LOOK.items()},
            link_rel="noopener noreferrer nofollow",
        ),
        "\n".join(lines(tokens)).strip() + "\n",
        tuple(sections(tokens, drawing.sections)),
        tuple(drawing.pictures),
        tuple(drawing.notes[:MOST_NOTES]),
    )


@dataclass
class _Drawing:
    """What is gathered while a text's tokens go by."""

    checker: Checker
    origins: frozenset[str]
    brand: Branding
    pictures: list[Attachment] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def block(self, token: Token) -> Iterator[Token]:
        """The token as it is shown: a chart as its picture, words without pictures and links that lead elsewhere."""
        if token.type == "fence" and token.info.split()[:1] == ["chart"]:
            yield from self._chart(token.content)
            return
        if token.type in ("fence", "code_block"):
            token.content = self.plain(token.content)
        if token.children is not None:
            token.children = list(self._inline(token.children))
        style = str(token.attrs.pop("style", ""))
        if style.startswith("text-align:"):
            token.attrs["align"] = style.removeprefix("text-align:")
        elif token.type == "th_open":
            token.attrs["align"] = "left"
        yield token

    def _chart(self, spec: str) -> Iterator[Token]:
        number = len(self.pictures) + 1
        section = (
            section_of(spec, self.checker) if number <= MOST_CHARTS else f"a page has {MOST_CHARTS} charts at most"
        )
        if isinstance(section, Section):
            try:
                self.pictures.append(draw(section, self.checker.evidence, self.brand, number))
            except MissingExtra as error:
                section = str(error)
        if isinstance(section, str):
            self.notes.append(f"a chart was left out: {section}")
            return
        name = f"chart-{number}"
        section = replace(section, name=self.plain(section.name))
        self.sections[name] = section
        # Made here, and no text of a model's but the escaped title.
        markup = f'<p><img src="cid:{name}" alt="{html.escape(section.name)}" width="624"></p>\n'
        yield Token("html_block", "", 0, content=markup, info=name, meta={"alt": section.name})

    def plain(self, text: str) -> str:
        """A text without addresses that lead elsewhere: readers of mail make links of what looks like one."""

        def told(match: re.Match[str]) -> str:
            if _origin(match[0]) in self.origins:
                return match[0]
            self.notes.append("an address was left out: it is none of those that are allowed")
            return LEFT_OUT

        return _ADDRESS.sub(told, text)

    def _inline(self, tokens: Sequence[Token]) -> Iterator[Token]:
        is_leading: list[bool] = []
        for token in tokens:
            if token.type in ("text", "code_inline"):
                token.content = self.plain(token.content)
            if token.type == "image":
                self.notes.append("a picture of elsewhere was left out")
                yield Token("text", "", 0, content=self.plain(words_of(token.children or [])))
            elif token.type == "link_open":
                is_leading.append(_origin(str(token.attrs.get("href", ""))) in self.origins)
                if is_leading[-1]:
                    yield token
                else:
                    self.notes.append("a link was left out: its address is none of those that are allowed")
            elif token.type != "link_close" or is_leading.pop():
                yield token


def _origin(address: str) -> str | None:
    """Where an address leads, as `https://host:port`; None where it is no plain address of the web."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("https", "http") or parts.username is not None or "\\" in address or not parts.hostname:
            return None
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    # What two readers could take apart differently leads nowhere.
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.netloc.lower() == f"{parts.hostname}{port}" else None


def _only_ours(tag: str, attribute: str, value: str) -> str | None:
    """An attribute's value, or None where it goes: a picture is one that came with the mail."""
    return None if tag == "img" and attribute == "src" and not value.startswith("cid:chart-") else value
