"""Forms as a browser sends them: what stands in the fields of a page's form."""

from html.parser import HTMLParser
from typing import Any


class _Reader(HTMLParser):
    """The fields of each form, with the text of its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[list[tuple[str, str]], list[str]]] = []
        self._area: tuple[str, str] | None = None
        self._select: tuple[str, str | None] | None = None
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(([], []))
        elif not self.forms:
            return
        fields = self.forms[-1][0]
        name = told.get("name", "")
        if tag == "input" and name:
            if told.get("type") not in ("radio", "checkbox") or "checked" in told:
                fields.append((name, told.get("value", "")))
        elif tag == "textarea" and name:
            self._area = name, ""
        elif tag == "select" and name:
            self._select = name, None
        elif tag == "option" and self._select and ("selected" in told or self._select[1] is None):
            self._select = self._select[0], told.get("value", "")
        elif tag == "button":
            self._in_button = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            # The first line break of a textarea is none of its text.
            self.forms[-1][0].append((self._area[0], self._area[1].removeprefix("\n")))
            self._area = None
        elif tag == "select" and self._select is not None:
            name, value = self._select
            if value is not None:
                self.forms[-1][0].append((name, value))
            self._select = None
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area = self._area[0], self._area[1] + data
        elif self._in_button:
            self.forms[-1][1].append(data.strip())


def sent_by(page: str, button: str) -> list[tuple[str, str]]:
    """Each field of the form whose button's text begins so, as the browser would send them, in their order."""
    reader = _Reader()
    reader.feed(page)
    [found] = [fields for fields, buttons in reader.forms if any(each.startswith(button) for each in buttons)]
    return found


def fields_in(page: str, button: str) -> dict[str, Any]:
    """The last value of each of these fields."""
    return dict(sent_by(page, button))
