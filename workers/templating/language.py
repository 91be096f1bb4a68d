"""The language of templates: a sandbox with a closed list of what may be written in it, over plain data alone; pure.

It is read in the child process alone: what takes too long or too much is ended from outside (`apart.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from types import TracebackType
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workers.templating.shown import FILTERS, TESTS, numbers, shown

MOST_SHOWN_NAMES = 30
LARGEST_NUMBER = 10**30
# What may stand in a template. Everything else, calls, macros, includes and powers among them, is refused by name.
ALLOWED = frozenset(
    [
        *("Template", "Output", "TemplateData", "For", "If", "Assign", "CondExpr", "Const", "Name", "Getattr"),
        *("Getitem", "Slice", "List", "Tuple", "Filter", "Keyword", "Test"),
        *("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Neg", "Pos", "Not", "And", "Or", "Concat"),
        *("Compare", "Operand"),
    ]
)
REFUSED = {
    "Call": "calls no function and no method; filters such as `| number` stand in their place",
    "Pow": "takes no power `**`",
    "Macro": "takes no macro",
    "CallBlock": "takes no macro",
    "Block": "takes no block: a template is whole",
    "Extends": "takes no other template: it is whole",
    "Include": "takes no other template: it is whole",
    "Import": "takes no other template: it is whole",
    "FromImport": "takes no other template: it is whole",
    "Scope": "can't turn escaping off",
    "FilterBlock": "takes a filter behind a value alone",
    "AssignBlock": "sets a name to a value alone",
    "NSRef": "takes no namespace",
    "With": "takes no `with`: set a name instead",
}
_OF_A_LOOP = frozenset(["index", "index0", "first", "last", "length", "revindex", "revindex0", "depth"])
_SOURCE = "<template>"


class BadTemplate(Exception):
    """A template can't be rendered: what it is, and in which of its lines, 0 where none can be told."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class _Missing(StrictUndefined):
    """A name that is not there: whoever asks for its value is told what is."""

    @property
    def _undefined_message(self) -> str:
        name: Any = self._undefined_name
        of: Any = self._undefined_obj
        if isinstance(of, dict):
            return f"there is no `{name}` in it; there are {listed(of)}"
        if isinstance(of, (list, tuple, str)) and isinstance(name, int):
            return f"there is no place {name} in it: it has {len(of)}"
        return f"there is no `{name}`" + ("" if of is None or not isinstance(name, str) else " in it")

    def _fail_with_undefined_error(self, *_: Any, **__: Any) -> NoReturn:
        raise BadTemplate(self._undefined_message)

    # What reads a value of it fails; Jinja names these one by one too.
    __str__ = __iter__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail_with_undefined_error
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = (
        _fail_with_undefined_error
    )
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = _fail_with_undefined_error
    __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = _fail_with_undefined_error


class _Language(ImmutableSandboxedEnvironment):
    """Names lead into dicts, lists and loops, and nowhere else; operators take numbers of a size."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value under a name: of a dict, or one of the few that a loop has."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext) and attribute in _OF_A_LOOP:
            return getattr(obj, attribute)
        return self._missing(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value under a name of a dict, or at a place of a list."""
        if isinstance(obj, dict) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self._missing(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - as Jinja calls it
        """The result of an operator on two numbers. Raises BadTemplate for anything else."""
        for each in (left, right):
            if isinstance(each, Undefined):
                str(each)
            if isinstance(each, bool) or not isinstance(each, (int, float, Decimal)):
                raise BadTemplate(f"`{operator}` takes numbers; texts are joined with `~`")
            if not -LARGEST_NUMBER <= each <= LARGEST_NUMBER:
                raise BadTemplate(f"`{operator}` takes no number as large as that")
        left, right = numbers(left, right)
        return self.binop_table[operator](left, right)

    def _missing(self, obj: Any, name: Any) -> Any:
        if isinstance(obj, Undefined):
            str(obj)
        return self.undefined(obj=obj, name=name)


def render(source: str, context: Mapping[str, Any], most: int, *, is_html: bool) -> str:
    """Return what the template makes of the context, at most so many characters. Raises BadTemplate."""
    language = _language(is_html=is_html)
    try:
        tree = language.parse(source)
        _check(tree, context)
        return _joined(language.from_string(tree).generate(dict(context)), most)
    except TemplateSyntaxError as error:
        raise BadTemplate(str(error.message), error.lineno) from None
    except BadTemplate as error:
        raise BadTemplate(error.message, error.line or _line_of(error.__traceback__)) from None
    except SecurityError as error:
        raise BadTemplate("reaches for what no template may have", _line_of(error.__traceback__)) from None
    except RecursionError:
        raise BadTemplate("is nested too deeply") from None
    except MemoryError:
        raise BadTemplate("takes more memory than a template may") from None
    except (ArithmeticError, TypeError, ValueError, SyntaxError, LookupError, AttributeError) as error:
        raise BadTemplate(f"can't be made: {str(error)[:200]}", _line_of(error.__traceback__)) from None


def _joined(pieces: Iterable[str], most: int) -> str:
    """The pieces as one text, given up once they are too many."""
    found, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise BadTemplate(f"makes more than {most:,} characters")
        found.append(piece)
    return "".join(found)


def listed(names: Mapping[str, Any]) -> str:
    """Return the names in a sentence."""
    return ", ".join(f"`{name}`" for name in list(names)[:MOST_SHOWN_NAMES])


def _check(tree: nodes.Template, context: Mapping[str, Any]) -> None:
    """Passes a tree that has nothing but what is allowed, and names that are there. Raises BadTemplate."""
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"} | {"loop"}
    for node in _walk(tree):
        kind = type(node).__name__
        line = getattr(node, "lineno", 0)
        if kind not in ALLOWED:
            raise BadTemplate(REFUSED.get(kind, f"takes no {kind.lower()}"), line)
        if isinstance(node, nodes.For) and node.recursive:
            raise BadTemplate("takes no recursive loop", line)
        if isinstance(node, (nodes.Filter, nodes.Test)) and (node.dyn_args or node.dyn_kwargs):
            raise BadTemplate("takes no `*` before what a filter is given", line)
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise BadTemplate(f"there is no filter `{node.name}`; there are {listed(FILTERS)}", line)
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise BadTemplate(f"there is no test `{node.name}`; there are {listed(TESTS)}", line)
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in own and node.name not in context:
            raise BadTemplate(f"there is no `{node.name}`; there are {listed(context)}", line)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    """Every node of a tree, without a call for each level of it."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += reversed(list(found.iter_child_nodes()))


def _line_of(trace: TracebackType | None) -> int:
    """The line of the template that was under way, 0 where none was."""
    line = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _SOURCE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


@cache
def _language(*, is_html: bool) -> _Language:
    found = _Language(
        autoescape=is_html,
        undefined=_Missing,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
    )
    found.globals.clear()
    found.filters.clear()
    found.filters.update(FILTERS)
    found.tests.clear()
    found.tests.update(TESTS)
    return found
