"""The process that a template is rendered in: bounded for real, and nothing of it is left."""

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from workers.templating import apart
from workers.templating.apart import BadSample, Ended, NoRoom, render

ROWS: dict[str, Any] = {"rows": ["x"] * 50, "data": "a\r\nBcc: evil@example.com\x00\u2028b"}
DEEP = (
    "{% for a in rows %}{% for b in rows %}{% for c in rows %}{% for d in rows %}{% for e in rows %}{% for f in rows %}"
)
ENDLESS = DEEP + "{% if a == b %}{% endif %}" + "{% endfor %}" * 6


def left_over() -> tuple[list[int], set[str], int]:
    """Our children, files in the folder for temporary ones, and open files."""
    children = [child.pid for child in psutil.Process().children(recursive=True)]
    return children, {each.name for each in Path(tempfile.gettempdir()).glob("tmp*")}, len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (ENDLESS, "takes more than 1 s of a processor"),
        ("{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a | length }}", "more memory than a template"),
        ("{% for a in rows %}" + "{{ 'x' }}" * 5000 + "{% endfor %}", "makes more than 200,000 characters"),
    ],
    ids=["endless", "memory", "output"],
)
def test_what_takes_too_much_is_ended_and_leaves_nothing(source: str, said: str) -> None:
    children, files, handles = left_over()
    with pytest.raises((Ended, BadSample), match=said):
        render({"text": source}, [ROWS], wall_seconds=110)
    now = left_over()
    assert (set(now[0]) - set(children), now[1] - files, now[2]) == (set(), set(), handles)


def test_what_takes_too_long_is_ended() -> None:
    before = left_over()
    with pytest.raises(Ended, match=r"takes more than 0\.05 s"):
        render({"text": ENDLESS}, [ROWS], wall_seconds=0.05)
    assert left_over()[0] == before[0]


def test_who_finds_no_room_in_time_is_told_so_and_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(apart, "_ROOM", room)
    with room, pytest.raises(NoRoom, match="was free within 0 s"):
        render({"text": "{{ rows | length }}"}, [ROWS], room_seconds=0.01)
    with pytest.raises(BadSample):
        render({"text": "{{ rows.x }}"}, [ROWS])
    assert render({"text": "{{ rows | length }}"}, [ROWS], room_seconds=0.01) == [{"text": "50"}]


def test_the_process_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # What a folder or the environment would slip in is not looked at.
    (tmp_path / "jinja2.py").write_text("raise SystemExit('slipped in')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "jinja2.py"))
    assert render({"text": "{{ rows | length }}"}, [ROWS]) == [{"text": "50"}]


def test_each_context_makes_its_own_and_a_fault_names_its_place() -> None:
    contexts = [{"n": 4, "d": 2}, {"n": 6, "d": 3}, {"n": 1, "d": 0}]
    assert render({"text": "{{ n / d }}"}, contexts[:2]) == [{"text": "2"}, {"text": "2"}]
    with pytest.raises(BadSample) as caught:
        render({"subject": "fine", "text": "\n{{ n / d }}"}, contexts)
    found = caught.value
    assert (found.part, found.line, found.number, found.message) == ("text", 2, 2, "can't be made: division by zero")


@pytest.mark.parametrize("subject", ["It is {{ data }}", "It is\n{{ data }}"])
def test_a_subject_is_one_line_whatever_the_data(subject: str) -> None:
    [made] = render({"subject": subject}, [ROWS])
    assert made["subject"] == "It is a Bcc: evil@example.com b"


def test_what_has_no_word_for_the_language_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    [made] = render({"subject": "It fell", "html": "It fell & rose"}, [ROWS])
    assert made["subject"] == "It fell"
    assert "<body>\nIt fell &amp; rose\n</body>" in made["html"]


def test_a_part_that_comes_out_empty_is_refused() -> None:
    for part, source in (("subject", "{# nothing #}"), ("html", "  "), ("html", "<script>x</script>")):
        with pytest.raises(BadSample, match="comes out empty"):
            render({part: source}, [ROWS])
