"""The language of templates: what may be written in it, what is refused and in which words; attack by attack."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.templating.data import read, written
from workers.templating.language import BadTemplate, render

CONTEXT: dict[str, Any] = {
    "name": "Revenue",
    "figure": Decimal("-1234.5"),
    "share": Decimal("0.0525"),
    "count": 3,
    "nothing": None,
    "is_good": True,
    "slot_at": datetime(2026, 11, 23, 8, 5, tzinfo=UTC),
    "rows": [["a", "1"], ["b", "2"]],
    "tile": {"name": "Orders", "value": "5"},
    "evil": "<script>{{ 7*7 }}</script>",
}


def text(source: str, context: dict[str, Any] = CONTEXT) -> str:
    return render(source, context, 10_000, is_html=False)


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ name }}: {{ figure }}", "Revenue: -1,234.5"),
        ("{{ figure | number(2) }} {{ share | percent }} {{ share | percent(1) }}", "-1,234.50 5.3% 5.3%"),
        ("{{ figure | abs | money('€') }}, {{ count | money('days') }}", "€1,234.50, 3\N{NO-BREAK SPACE}days"),
        ("{{ slot_at | date }} {{ slot_at | time }}", "Mon 23 Nov 2026 08:05"),
        ("{{ slot_at }} {{ slot_at | iso }}", "Mon 23 Nov 2026, 08:05 2026-11-23T08:05:00Z"),
        ("{{ nothing }}{{ nothing | default('none') }} {{ is_good }}", "none yes"),
        ("{% for row in rows %}{{ loop.index }}{{ row[0] }}{{ row | last }} {% endfor %}", "1a1 2b2 "),
        ("{% for a, b in rows if b == '2' %}{{ a }}{% else %}none{% endfor %}", "b"),
        ("{% if figure < 0 and not nothing %}down{% elif count %}up{% endif %}", "down"),
        ("{% set doubled = figure * 2 %}{{ doubled }} {{ figure / 4 + 1.5 }} {{ 7 % count }}", "-2,469 -307.125 1"),
        ("{{ tile.name ~ ' ' ~ tile['value'] | upper }} {{ rows | length }} {{ name[:3] }}", "Orders 5 2 Rev"),
        ("{{ name | lower | capitalize | replace('e', 'E') | truncate(4) }}", "REv…"),
        ("{{ ['x', name] | join(' + ') }}{# nobody sees this #}", "x + Revenue"),
        ("{{ tile.other | default('-') }} {{ tile.other is defined }}", "- no"),
        ("{% raw %}{{ as it stands }}{% endraw %}", "{{ as it stands }}"),
        ("{{ evil }}", "<script>{{ 7*7 }}</script>"),
    ],
)
def test_a_template_makes_of_its_context(source: str, made: str) -> None:
    assert text(source) == made


def test_a_page_escapes_what_stands_in_the_data() -> None:
    made = render("<b>{{ evil }}</b> {{ '<i>' ~ evil | upper }}", CONTEXT, 1000, is_html=True)
    assert made == ("<b>&lt;script&gt;{{ 7*7 }}&lt;/script&gt;</b> &lt;i&gt;&lt;SCRIPT&gt;{{ 7*7 }}&lt;/SCRIPT&gt;")


# Each attack, and what is said of it, in which line.
ATTACKS = [
    ("{{ ''.__class__ }}", "there is no `__class__` in it", 1),
    ("{{ ''['__class__'] }}", "there is no `__class__` in it", 1),
    ("{{ name.upper }}", "there is no `upper` in it", 1),
    ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "calls no function and no method", 1),
    ("{{ cycler.__init__.__globals__ }}", "there is no `cycler`; there are `name`", 1),
    ("{{ lipsum.__globals__ }}", "there is no `lipsum`", 1),
    ("{{ self.__init__ }}", "there is no `self`", 1),
    ("{{ namespace(a=1) }}", "calls no function", 1),
    ("{{ tile.keys() }}", "calls no function", 1),
    ("{{ loop }}", "there is no `loop`", 1),
    ("{% for row in rows %}{{ loop.__class__ }}{{ loop._iterator }}{% endfor %}", "there is no `__class__`", 1),
    ("{% for row in rows %}{{ loop.changed }}{% endfor %}", "there is no `changed`", 1),
    ("{{ name | attr('__class__') }}", "there is no filter `attr`", 1),
    ("{{ '{0.__class__}'.format(name) }}", "calls no function", 1),
    ("{{ name | format('{0.__class__}') }}", "there is no filter `format`", 1),
    ("{{ '%s' % name }}", "`%` takes numbers", 1),
    ("{{ '%0999999999d' % 1 }}", "`%` takes numbers", 1),
    ("{{ rows | map('upper') }}", "there is no filter `map`", 1),
    ("{{ name | safe }}", "there is no filter `safe`", 1),
    ("{% autoescape false %}{{ evil }}{% endautoescape %}", "can't turn escaping off", 0),
    ("{{ 10**10**10 }}", "takes no power `**`", 1),
    ("{{ 'a' * 10 }}", "`*` takes numbers", 1),
    ("{{ rows * 1000000 }}", "`*` takes numbers", 1),
    ("{{ is_good * 5 }}", "`*` takes numbers", 1),
    ("{{ 9999999999999999 * 9999999999999999 * 9 }}", "takes no number as large as that", 1),
    ("{{ 1 / 0 }}", "can't be made: division by zero", 1),
    ("{% for i in range(99999999) %}x{% endfor %}", "calls no function", 1),
    ("{% for row in rows recursive %}{{ loop(rows) }}{% endfor %}", "takes no recursive loop", 1),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "takes no macro", 1),
    ("{% call m() %}{% endcall %}", "takes no macro", 1),
    ("\n{% include '/etc/passwd' %}", "takes no other template", 2),
    ("{% import 'os' as os %}", "takes no other template", 1),
    ("{% from 'os' import path %}", "takes no other template", 1),
    ("{% extends 'base' %}", "takes no other template", 1),
    ("{% block a %}{% endblock %}", "takes no block", 1),
    ("{% filter upper %}x{% endfilter %}", "takes a filter behind a value", 1),
    ("{% set x %}{{ name }}{% endset %}", "sets a name to a value alone", 1),
    ("{% do name %}", "Encountered unknown tag 'do'", 1),
    ("{{ name | join(*rows) }}", "takes no `*`", 1),
    ("{{ (name, ) is sameas name }}", "there is no test `sameas`", 1),
    ("{{ name | number }}", "can't be made: takes a number, not a text", 1),
    ("{{ figure | number(99) }}", "can't be made: takes 0 to 10 decimals", 1),
    ("{{ rows }}", "can't be made: a list is shown by a `for`", 1),
    ("\n\n{{ nme }}", "there is no `nme`; there are `name`, `figure`", 3),
    ("\n{{ tile.nme }}", "there is no `nme` in it; there are `name`, `value`", 2),
    ("{{ rows[2] }}", "there is no place 2 in it: it has 2", 1),
    ("{{ tile.nme == 1 }}", "there is no `nme` in it", 1),
    ("{% if tile.nme %}{% endif %}", "there is no `nme` in it", 1),
    ("{% if false %}{{ nme }}{% endif %}", "there is no `nme`", 1),
    ("x\n{% if name %}", "Unexpected end of template", 2),
    ("{{ name", "unexpected end of template", 1),
    ("{{" + "(" * 2000 + "1" + ")" * 2000 + "}}", "is nested too deeply", 0),
    ("{% for a in rows %}" * 30 + "{% endfor %}" * 30, "too many statically nested blocks", 0),
    ("{% for row in rows %}" + "x" * 6000 + "{% endfor %}", "makes more than 10,000 characters", 0),
]


@pytest.mark.parametrize(("source", "said", "line"), ATTACKS, ids=[each[0][:50] for each in ATTACKS])
def test_what_is_no_template_is_refused_by_line(source: str, said: str, line: int) -> None:
    with pytest.raises(BadTemplate) as caught:
        text(source)
    assert said in caught.value.message
    assert caught.value.line == line


PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "name",
            "rows",
            "tile",
            "loop",
            "figure",
            ".",
            "__class__",
            "[",
            "]",
            "(",
        ),
        *(")", "|", "~", "+", "for x in rows", "endfor", "if", "else", "endif", "set a =", "is", "not", "defined"),
        *("number", "join", "upper", "1", "'x'", '"', "\n", " ", ",", "x", "==", "in", "-", "*args", "self", "caller"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map(" ".join))
def test_whatever_is_written_is_a_text_or_refused(source: str) -> None:
    try:
        made = text(source)
    except BadTemplate:
        return
    for word in ("<class", "object at 0x", "<function", "built-in", "<module", "Undefined"):
        assert word not in made


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
        max_leaves=10,
    )
)
def test_a_context_comes_through_as_it_was(value: Any) -> None:
    assert read(written({"value": value})) == {"value": value}


def test_no_object_comes_through() -> None:
    for value in (object(), print, {1}, b"x", 1.5):
        with pytest.raises(TypeError, match="a context holds plain data"):
            written({"value": [value]})
