"""What is kept of an answer is what was read of it, and Postgres takes it."""

import pytest

from tests import make
from tests.workers.crew.test_waits import answered
from workers.crew.answers import Answered, read_json


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": "\\ud800", "a": 1}',
        b'{"a": {"b": ["\\ud800"]}, "a": 1}',
        b'[{"a": 2, "a": 1.50}]',
        b'{"a": 1.50, "b": "\xc3\xb6"}',
    ],
)
def test_an_answer_that_names_something_twice_is_kept_as_it_was_read(database: str, content: bytes) -> None:
    found = read_json(content)
    assert isinstance(found, Answered)
    with make.connect(database) as conn:
        assert make.value(conn, "select %s::jsonb", found.text) == found.value


def test_what_is_named_once_is_kept_as_it_came() -> None:
    assert read_json(b'{"a": 1.50}') == Answered('{"a": 1.50}', {"a": 1.5})


def test_half_a_character_is_no_json() -> None:
    assert answered(200, b'{"a": "\\ud800"}').why == "the answer is not JSON"


def test_a_number_that_no_float_holds_is_too_long() -> None:
    assert answered(200, b"[" + b"9" * 200 + b".0e300]").why == "the answer holds a number that is too long"
