"""A tenant's HTML as a mail may bear it: an allow-list of elements, attributes, styles and addresses; pure.

Nothing in it is fetched when the mail is opened: pictures are those that travel with it (`cid:`), and no style has a URL.
"""

import re

import nh3

TAGS = frozenset(
    [
        "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
        "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li",
        "mark", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
        "th", "thead", "tr", "u", "ul",
    ]
)  # fmt: skip
# What stands between these is no text of the mail.
DROPPED = frozenset(
    [
        "script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "select",
        "option", "form",
    ]
)  # fmt: skip
_EVERYWHERE = {"style", "align", "title", "dir", "lang", "role", "aria-label", "aria-hidden"}
_TABLES = {"width", "height", "bgcolor", "valign", "border", "cellpadding", "cellspacing"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": _EVERYWHERE,
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border"},
    "table": _TABLES,
    "tr": _TABLES,
    "td": {*_TABLES, "colspan", "rowspan"},
    "th": {*_TABLES, "colspan", "rowspan", "scope"},
    "col": {"span", "width"},
    "font": {"color", "size", "face"},
    "ol": {"start", "type"},
}
STYLES = frozenset(
    [
        "background", "background-color", "border", "border-bottom", "border-bottom-color",
        "border-bottom-left-radius", "border-bottom-right-radius", "border-bottom-style", "border-bottom-width",
        "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style",
        "border-left-width", "border-radius", "border-right", "border-right-color", "border-right-style",
        "border-right-width", "border-spacing", "border-style", "border-top", "border-top-color",
        "border-top-left-radius", "border-top-right-radius", "border-top-style", "border-top-width", "border-width",
        "color", "display", "direction", "font", "font-family", "font-size", "font-style", "font-variant-numeric",
        "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom",
        "margin-left", "margin-right", "margin-top", "max-height", "max-width", "min-width", "overflow",
        "overflow-wrap", "padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "table-layout",
        "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align", "white-space", "width",
        "word-break", "word-spacing",
    ]
)  # fmt: skip
# Words, numbers, colours and quoted names of fonts: no backslash, no comment, no function but those of colours.
_VALUE = re.compile(r"(?:[-#%.,!\w\s'\"/]|\b(?:rgb|rgba|hsl|hsla)\([\d\s.,%]*\))+", re.ASCII)
# A margin below zero would lay one thing over another: over why the mail was sent, and over how to end it.
_BELOW_ZERO = re.compile(r"-\s*[\d.]")
_LINK = re.compile(r"(?:https?://|mailto:|#|tocsin-action:[a-z_]+\Z)", re.IGNORECASE)
_PICTURE = re.compile(r"cid:[A-Za-z0-9._-]{1,100}")
_SCHEMES = frozenset(["http", "https", "mailto", "cid", "tocsin-action"])
_PAGE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n</head>\n<body>\n{}\n</body>\n</html>\n'
)


def page(html: str) -> str:
    """Return a whole page with the HTML, which is sanitised, in its body."""
    return _PAGE.format(html.strip())


def sanitised(html: str) -> str:
    """Return what may stand of the HTML."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(DROPPED),
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer",
    )


def _attribute(_tag: str, name: str, value: str) -> str | None:
    """The attribute's value as it may stand; None takes it away."""
    if name == "style":
        return _style(value)
    if name == "src":
        return value if _PICTURE.fullmatch(value) else None
    if name == "href":
        return value if _LINK.match(value) else None
    return value


def _style(value: str) -> str | None:
    """The declarations that are of a property on the list and have a plain value."""
    kept = []
    for declaration in value.split(";"):
        name, colon, said = declaration.partition(":")
        name, said = name.strip().lower(), said.strip()
        is_plain = name in STYLES and _VALUE.fullmatch(said) and "/*" not in said
        covers = name.startswith("margin") and _BELOW_ZERO.search(said)
        if colon and is_plain and not covers:
            kept.append(f"{name}:{said}")
    return ";".join(kept) or None
