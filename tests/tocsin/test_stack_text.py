"""A stack's YAML: a word is what it says, nothing is run or blown up, and what is written is read as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.complaints import Complaint
from tocsin.stack import text
from tocsin.stack.document import escaped, resolved


def value(content: str) -> object:
    [found] = text.read("f", content.encode())
    return found.value


@pytest.mark.parametrize(
    ("word", "is_read_as"),
    [
        ("on", "on"), ("yes", "yes"), ("NO", "NO"), ("08:00", "08:00"), ("1:20", "1:20"), ("2026-01-05", "2026-01-05"),
        ("0x1f", "0x1f"), ("1_000", "1_000"), ("010", 10), (".inf", ".inf"), ("=", "="), ("true", True), ("null", None),
        ("~", None), ("", None), ("-20.5", -20.5), ("1e3", 1000.0), ("'1'", "1"), ("!!str 1", "1"), ("*/5 * * * *", None),
    ],
)  # fmt: skip
def test_a_word_is_what_it_says_and_no_time_date_or_yes(word: str, is_read_as: object) -> None:
    if word.startswith("*"):
        with pytest.raises(Complaint, match=r"^f:1: is no YAML"):
            value(f"a: {word}")
    else:
        assert value(f"a: {word}") == {"a": is_read_as}
        assert type(value(f"a: {word}")["a"]) is type(is_read_as)  # type: ignore[index]


def test_anchors_stand_for_whole_values() -> None:
    assert value("a: &x {b: [1]}\nc: *x") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2", "f:4: has 'c' twice in one place"),
        (b"a: &a [*a]", "f:1: takes at most"),
        (b"b: {}\na: !!python/object:os.system x", "f:2: takes no tag such as"),
        (b"a: !!binary aGk=", "f:1: takes no tag such as"),
        (b"a: &a {b: 1}\nc:\n  <<: *a", "f:3: takes no <<"),
        (b"a: [", "f:1: is no YAML"),
        (b"a: b\n\tc: d", "f:2: is no YAML"),
        (b"a: \x00", "f: is no YAML"),
        (b"a: b\nc: \xff", "f:2: is no text in UTF-8"),
        (b"[" * 5000, "f: is nested too deep"),
        (b"? [a]\n: b", "f:1: takes names as keys"),
        (b'{"a": "\\ud83d"}', "f:1: takes valid text"),
        (b"#" * (text.MOST_BYTES + 1), "f: takes at most 5,000,000 bytes"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_by_its_line(content: bytes, said: str) -> None:
    with pytest.raises(Complaint) as refused:
        text.read("f", content)
    assert str(refused.value).startswith(said)


def test_aliases_of_aliases_are_no_bomb() -> None:
    layers = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(Complaint, match="takes at most 200,000 values"):
        text.read("f", f"a0: &a0 [{','.join('x' * 9)}]\n{layers}".encode())


def test_json_is_read_with_its_tabs_and_its_halved_characters() -> None:
    assert value('{\t"a": "\\ud83d\\ude00\\/",\n\t"b": [1.5, true]}') == {"a": "😀/", "b": [1.5, True]}


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t ${}env:-#'\"~"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda within: st.lists(within, max_size=3) | st.dictionaries(TEXTS, within, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_is_read_as_the_same(found: dict[str, object]) -> None:
    [document] = text.read("f", text.write(found).encode())
    assert document.value == found


@given(st.dictionaries(st.just("a"), st.text("${}env:NAME", max_size=30)))
def test_a_text_that_looks_like_a_variable_is_written_so_that_it_is_none(found: dict[str, str]) -> None:
    assert resolved(escaped(found)) == found
