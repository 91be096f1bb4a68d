"""The files of a stack, read: each row by its section and name, checked field by field, with where each field stands."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from api.refusals import BadDefinition, Problem, of_model
from config.environ import SETTINGS, variable
from tocsin.complaints import Complaint
from tocsin.stack import listed_nouns, schedule_noun, secret_nouns, text, timed_nouns
from tocsin.stack.names import BY_ID, Fields
from tocsin.stack.sections import Section

SECTIONS: dict[str, Section] = {
    section.word: section
    for section in (
        listed_nouns.MEMBERS,
        listed_nouns.CALENDARS,
        secret_nouns.SOURCES,
        secret_nouns.CHANNELS_SECTION,
        listed_nouns.TEMPLATES_SECTION,
        listed_nouns.GRAPHS_SECTION,
        listed_nouns.DASHBOARDS_SECTION,
        listed_nouns.LIMITS_SECTION,
        secret_nouns.WEBHOOKS,
        secret_nouns.ENDPOINTS_SECTION,
        listed_nouns.DEFINITIONS_SECTION,
        schedule_noun.SCHEDULES,
        timed_nouns.ALERTS,
        timed_nouns.PULSES_SECTION,
        timed_nouns.REPORTS,
    )
}
"""In the order in which rows are made: what is referred to comes first."""
STACK = "stack"
DEFAULT_STACK = "main"
_STACK_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,62}")
_VARIABLE = re.compile(r"(\$?)\$\{env:([^}]*)\}")
_A_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_SUFFIXES = (".yaml", ".yml", ".json")

Place = tuple[str | int, ...]


class Item(NamedTuple):
    """A row as a file has it. `fields` are as they are written, `resolved` with what the environment has in its place."""

    section: Section
    name: str
    fields: Fields
    resolved: Fields
    file: str
    path: Place
    lines: Mapping[Place, int]

    def at(self, pointer: str = "") -> str:
        """Where a field stands, or the nearest that contains it: file, line, row and field."""
        path = list(self.path) + [int(part) if part.isdigit() else part for part in pointer.split(".") if part]
        while tuple(path) not in self.lines:
            path.pop()
        field = f" {pointer}" if pointer else ""
        return f"{self.file}:{self.lines[tuple(path)]}: {self.section.word} {self.name!r}{field}"

    def refused(self, error: Exception) -> list[str]:
        """The lines that tell what is wrong, under the names that a file has."""
        if isinstance(error, ValidationError):
            error = of_model(error)
        if not isinstance(error, BadDefinition):
            return [f"{self.at()}: {' '.join(str(error).split())}"]
        return [f"{self.at(_in_file(each))}: {each.detail}" for each in error.problems]


class Stack(NamedTuple):
    """What the files say: whose rows they are, and the rows in the order in which they are made."""

    name: str
    items: list[Item]


def _in_file(problem: Problem) -> str:
    """The pointer of a problem by the names that a file has."""
    parts = problem.pointer.split(".")
    parts = [BY_ID[part][0] if part in BY_ID else part for part in parts]
    if parts[0] == "params":
        parts[0] = "jobPayload"
    return ".".join(part for part in parts if part != "body")


def read(files: Iterable[str]) -> Stack:
    """The stack that the files and folders say together. Raises Complaint that names each file, line and field at fault."""
    names: dict[str, str] = {}
    items: dict[tuple[str, str], Item] = {}
    problems: list[str] = []
    for file, content in _contents(files):
        for document in text.read(file, content):
            if document.value is not None:
                _read_document(document, names, items, problems)
    if len(names) > 1:
        problems.append(f"{', '.join(names.values())}: takes one stack, and these are {', '.join(names)}")
    if problems:
        raise Complaint("; ".join(problems))
    order = list(SECTIONS)
    return Stack(
        next(iter(names), DEFAULT_STACK), sorted(items.values(), key=lambda item: order.index(item.section.word))
    )


def _contents(files: Iterable[str]) -> list[tuple[str, bytes]]:
    found = []
    for name in files:
        if name == "-":
            found.append(("standard input", sys.stdin.buffer.read(text.MOST_BYTES + 1)))
            continue
        try:
            path = Path(name)
            inside = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES) if path.is_dir() else [path]
            for each in inside:
                with each.open("rb") as opened:
                    found.append((str(each), opened.read(text.MOST_BYTES + 1)))
        except OSError as error:
            raise Complaint(f"cannot read {name}: {error.strerror}") from None
    if not found:
        raise Complaint(f"there is no file that ends with {', '.join(_SUFFIXES)}")
    return found


def _read_document(
    document: text.Text, names: dict[str, str], items: dict[tuple[str, str], Item], problems: list[str]
) -> None:
    file, lines = document.file, document.lines
    if not isinstance(document.value, dict):
        problems.append(f"{file}:{lines[()]}: takes sections such as graphs and kpiAlerts")
        return
    for word, rows in document.value.items():
        place = f"{file}:{lines[(word,)]}"
        if word == STACK:
            if not isinstance(rows, str) or not _STACK_NAME.fullmatch(rows):
                problems.append(f"{place}: {STACK} takes small letters, digits, dots and dashes")
            else:
                names.setdefault(rows, place)
        elif word not in SECTIONS:
            problems.append(f"{place}: there is no section {word!r}; there are {', '.join([STACK, *SECTIONS])}")
        elif rows is not None and not isinstance(rows, list):
            problems.append(f"{place}: {word} takes a list")
        else:
            for number in range(len(rows or [])):
                _read_item(document, SECTIONS[word], number, items, problems)


def _read_item(
    document: text.Text, section: Section, number: int, items: dict[tuple[str, str], Item], problems: list[str]
) -> None:
    path: Place = (section.word, number)
    fields = document.value[section.word][number]
    line = f"{document.file}:{document.lines[path]}: {section.word}"
    name = fields.get(section.key) if isinstance(fields, dict) else None
    if not isinstance(name, str) or not name.strip():
        problems.append(f"{line}: takes fields, and among them {section.key}, which is text")
        return
    item = Item(section, name, fields, fields, document.file, path, document.lines)
    try:
        _check_names(section, fields)
        item = item._replace(resolved=resolved(fields))
        item = item._replace(name=section.name_of(section.says(section.without_null(item.resolved))))
    except BadDefinition as error:
        problems += item.refused(error)
        return
    first = items.setdefault((section.word, item.name), item)
    if first is not item:
        problems.append(f"{item.at()}: is there already, in {first.at()}")


def _check_names(section: Section, fields: Fields) -> None:
    """Passes fields that a file may name. Raises BadDefinition."""
    takes = section.takes
    problems = []
    for name in fields:
        if name in takes:
            continue
        by_name = BY_ID[name][0] if name in BY_ID and BY_ID[name][0] in takes else None
        known = f"is no field of this; there are {', '.join(takes)}"
        problems.append(Problem(name, known if by_name is None else f"is said by name, in place of {name}"))
    if problems:
        raise BadDefinition(problems)


def resolved(fields: Fields) -> Fields:
    """The fields with each ${env:NAME} in a text as the environment has it. Raises BadDefinition naming what is missing."""
    problems: list[Problem] = []

    def of(found: re.Match[str], pointer: str) -> str:
        escaped, name = found[1], found[2]
        if escaped:
            return found[0][1:]
        setting = SETTINGS.get(name)
        value = variable(name) if _A_VARIABLE.fullmatch(name) else None
        if setting is not None and setting.is_secret:
            problems.append(Problem(pointer, f"takes no ${{env:{name}}}, which is a secret of Tocsin's own"))
        elif value is None:
            problems.append(Problem(pointer, f"the environment has no {name}"))
        return value or ""

    found: Fields = each_text(fields, lambda text, pointer: _VARIABLE.sub(lambda each: of(each, pointer), text))
    if problems:
        raise BadDefinition(problems)
    return found


def each_text(value: Any, become: Callable[[str, str], str], pointer: str = "") -> Any:
    """The value with each text in it as it shall become, given its pointer."""
    within = f"{pointer}." if pointer else ""
    if isinstance(value, dict):
        return {name: each_text(each, become, f"{within}{name}") for name, each in value.items()}
    if isinstance(value, list):
        return [each_text(each, become, f"{within}{place}") for place, each in enumerate(value)]
    return become(value, pointer) if isinstance(value, str) else value


def escaped(fields: Fields) -> Fields:
    """The fields so that `resolved` gives them back: what looks like a variable is written with another $."""
    found: Fields = each_text(fields, lambda text, _: _VARIABLE.sub(lambda each: f"${each[0]}", text))
    return found
