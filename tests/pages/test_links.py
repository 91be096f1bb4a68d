"""Links that stand in templates and in the pages' code: each asks by a name that the page which it leads to reads."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import api.pages
from tests.pages.links import unread

_IN_TEMPLATES = re.compile(r"""["'](/[^"'?\s]*)\?([^"']*)["']""")
_ADDRESSED = re.compile(r"""address\(["'](/[^"']+)["'], \{\}, (\w+)=""")


def written() -> Iterator[str]:
    """Each link with a query that stands in a template or in a page's code, whatever it shows filled in."""
    of_pages = Path(api.pages.__file__).parent
    for file in (*of_pages.parent.glob("templates/**/*.j2"), *of_pages.glob("*.py")):
        text = re.sub(r"\{\{.*?\}\}|\{\w+\}", "00000000-0000-7000-8000-000000000000", file.read_text())
        yield from (f"{path}?{unescape(query)}" for path, query in _IN_TEMPLATES.findall(text))
        yield from (f"{path}?{name}=x" for path, name in _ADDRESSED.findall(text))


def test_a_link_that_is_written_names_what_its_page_reads() -> None:
    found = set(written())
    assert len(found) > 15
    assert {link: names for link in found if (names := unread(link))} == {}
    assert unread("/alerts?alertType=schedule") == {"alertType"}
