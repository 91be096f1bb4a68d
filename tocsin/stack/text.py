"""The text of a stack's files as plain values, each with its line; YAML 1.2's few plain words, and none of 1.1's guesses."""

import re
from typing import Any, NamedTuple

import yaml

from tocsin.complaints import Complaint

MOST_BYTES = 5_000_000
MOST_VALUES = 200_000
DEEPEST = 40
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 100

Path = tuple[str | int, ...]


class Text(NamedTuple):
    """One document: its value, and the line of each value in it by its path."""

    file: str
    value: Any
    lines: dict[Path, int]


_TEXT = "tag:yaml.org,2002:str"
_PLAIN = "plain"


class _Loader(yaml.SafeLoader):
    """Reads the shape alone: what a plain word means is said here, so `on`, `08:00` and `2026-01-05` are texts."""

    def resolve(self, kind: type[Any], value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # as the stubs have it


class _Walk:
    """Makes values of nodes, and keeps their lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.seen = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The value of the node. Raises Complaint."""
        self.seen += 1
        line = node.start_mark.line + 1
        self.lines[path] = line
        # An alias stands for all that it names: what is counted is what comes out.
        if self.seen > MOST_VALUES or len(path) > DEEPEST:
            raise self.wrong(line, f"takes at most {MOST_VALUES:,} values, {DEEPEST} deep")
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(each, (*path, number)) for number, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in (_PLAIN, _TEXT):
            return self._scalar(node, line)
        raise self.wrong(line, f"takes no tag such as {node.tag}")

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag not in (_PLAIN, _TEXT):
                raise self.wrong(line, "takes names as keys")
            if key.value == "<<" and key.tag == _PLAIN:
                raise self.wrong(line, "takes no <<, which YAML 1.2 does not have; an alias stands for a whole value")
            if key.value in found:
                raise self.wrong(line, f"has {key.value!r} twice in one place")
            found[key.value] = self.value(value, (*path, key.value))
            # A refusal of the name is told where the name stands.
            self.lines[(*path, key.value)] = line
        return found

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        try:
            # JSON writes one character beyond the first 65,536 as two halves.
            text = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self.wrong(line, "takes valid text") from None
        return meant(text) if node.tag == _PLAIN else text

    def wrong(self, line: int, detail: str) -> Complaint:
        """The complaint about a line."""
        return Complaint(f"{self.file}:{line}: {detail}")


def meant(plain: str) -> Any:
    """What a word without quotes is: null, true, false, a number, or else itself."""
    if _NULL.fullmatch(plain):
        return None
    if plain in _BOOL:
        return _BOOL[plain]
    if len(plain) <= _LONGEST_NUMBER and _INT.fullmatch(plain):
        return int(plain)
    if len(plain) <= _LONGEST_NUMBER and _FLOAT.fullmatch(plain):
        return float(plain)
    return plain


def read(file: str, content: bytes) -> list[Text]:
    """The documents of a file, in YAML or in JSON. Raises Complaint naming file and line."""
    if len(content) > MOST_BYTES:
        raise Complaint(f"{file}: takes at most {MOST_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Complaint(f"{file}:{content[: error.start].count(10) + 1}: is no text in UTF-8") from None
    if text.lstrip().startswith("{"):
        # In JSON a tab stands between values alone, and YAML takes none there.
        text = text.replace("\t", " ")
    found = []
    try:
        node: Any
        for node in yaml.compose_all(text, Loader=_Loader):
            walk = _Walk(file)
            found.append(Text(file, None if node is None else walk.value(node, ()), walk.lines))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise Complaint(f"{file}{line}: is no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise Complaint(f"{file}: is no YAML: {error}") from None
    except RecursionError:
        raise Complaint(f"{file}: is nested too deep") from None
    return found


class _Dumper(yaml.SafeDumper):
    """Writes what both readings of YAML take for the same."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  as PyYAML calls it
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002  as PyYAML calls it
        super().increase_indent(flow, indentless=False)


def _text_node(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if isinstance(meant(value), str) and value != "<<" else "'"
    if "\n" in value:
        style = "|"
    return dumper.represent_scalar(_TEXT, value, style=style)


_Dumper.add_representer(str, _text_node)


def write(value: Any) -> str:
    """The value in YAML, in the order that it has, which `read` reads as the same."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
