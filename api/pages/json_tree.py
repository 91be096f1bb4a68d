"""JSON as a tree that is opened and closed by the keyboard as by the mouse, without a script."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from markupsafe import Markup

from api.pages.look import address

MOST = 200
# Of a text more than this is folded, and of a tree the levels below this.
_LONG = 240
_OPEN_LEVELS = 2
_FOUND_BY = 200

Path = tuple[str, ...]


class Tree(NamedTuple):
    """A value as a tree; `left_out`: how many places of it are not in it."""

    html: Markup
    left_out: int


class _Drawing:
    """A tree while it is drawn; `finds` is the list in which a value can be looked for."""

    def __init__(self, most: int, finds: str) -> None:
        self.left = most
        self.left_out = 0
        self.finds = finds

    def place(self, value: Any, path: Path) -> Markup:
        """A place of the value with all below it."""
        name = Markup('<span class="key">{}</span> ').format(path[-1]) if path else Markup("")
        if not isinstance(value, (dict, list)) or not value:
            return name + self.leaf(value, path)
        rows = Markup("").join(self._rows(value, path))
        is_open = Markup(" open") if len(path) < _OPEN_LEVELS else Markup("")
        many = len(value)
        told = f"{many} {'field' if isinstance(value, dict) else 'item'}{'s' if many > 1 else ''}"
        return Markup('<details{}><summary>{}<span class="soft">{}</span></summary><ul>{}</ul></details>').format(
            is_open, name or Markup('<span class="key">answer</span> '), told, rows
        )

    def _rows(self, value: Any, path: Path) -> Iterator[Markup]:
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in named:
            if self.left <= 0:
                self.left_out += _places(each)
                continue
            self.left -= 1
            yield Markup("<li>{}</li>").format(self.place(each, (*path, str(key))))

    def leaf(self, value: Any, path: Path) -> Markup:
        """A value that has nothing below it, as a way to the others that have the same there."""
        text = _told(value)
        if len(text) > _LONG:
            return Markup(
                '<details class="long"><summary>{}… <span class="soft">show all</span></summary>{}</details>'
            ).format(text[: _LONG // 2], Markup('<pre tabindex="0">{}</pre>').format(text))
        if not self.finds or not path or not _is_found(value, text, path):
            return Markup('<span class="value {}">{}</span>').format(_sort(value), text)
        where = address(self.finds, {"path": ".".join(path), "equals": text})
        return Markup('<a class="value {}" href="{}" title="Answers with the same at {}">{}</a>').format(
            _sort(value), where, ".".join(path), text
        )


def draw(value: Any, *, most: int = MOST, finds: str = "") -> Tree:
    """The value as a tree of at most so many places; each links to its like in the list at `finds`."""
    drawing = _Drawing(most, finds)
    html = Markup('<div class="tree">{}</div>').format(drawing.place(value, ()))
    return Tree(html, drawing.left_out)


def _places(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_places, below))


def _told(value: Any) -> str:
    """A value as JSON's path asks for it: text without its quotes."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return "{}" if value == {} else "[]" if value == [] else str(value)


def _sort(value: Any) -> str:
    return "text" if isinstance(value, str) else "none" if value is None else "plain"


def _is_found(value: Any, text: str, path: Path) -> bool:
    """Whether a list can be asked for it: a path is parted by points, and numbers with a point are told in many ways."""
    is_plain = isinstance(value, (bool, int)) or (isinstance(value, str) and text.isprintable() and text != "")
    return is_plain and len(text) <= _FOUND_BY and not any("." in key or not key.isprintable() for key in path)
