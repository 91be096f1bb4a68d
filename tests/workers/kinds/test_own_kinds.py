"""Kinds of the user's own, as they are named and loaded."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.environ import BadSetting
from workers.kind import Context, Kind
from workers.kinds import KINDS, load
from workers.outcome import Done

Offer = Callable[..., None]


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Installs a package into a folder that Python imports from."""

    def install(package: str, *entries: str) -> None:
        info = tmp_path / f"{package}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[tocsin.kinds]\n" + "\n".join(entries) + "\n")

    (tmp_path / "offered.py").write_text(
        "from tests.kinds import NOOP\n"
        "from tocsin import Done, Kind\n"
        "from pydantic import BaseModel\n"
        "OWN = Kind('offered.own', BaseModel, lambda ctx: Done(), 'does nothing')\n"
        "SAME = Kind('offered.own', BaseModel, lambda ctx: Done(), 'does nothing')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "offered", raising=False)
    return install


def test_a_package_offers_its_kinds_without_a_setting(offer: Offer) -> None:
    offer("campaigns", "own = offered:OWN", "noop = offered:NOOP")
    assert set(load(())) == {*KINDS, "offered.own", "test.noop"}


def test_a_kind_that_is_offered_and_named_is_one_kind(offer: Offer) -> None:
    offer("campaigns", "own = offered:OWN")
    assert set(load(("offered:OWN",))) == {*KINDS, "offered.own"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (["own = offered:GONE"], "the package campaigns names offered:GONE in tocsin.kinds, which cannot be loaded"),
        (["own = no_such_module:KIND"], "cannot be loaded: No module named 'no_such_module'"),
        (["own = offered:BaseModel"], "which is a ModelMetaclass and not a tocsin.Kind"),
        (["a = offered:OWN", "b = offered:SAME"], "there is a kind offered.own already"),
    ],
)
def test_what_is_offered_and_cannot_be_used_stops_the_process_and_says_whose_it_is(
    offer: Offer, entries: list[str], said: str
) -> None:
    offer("campaigns", *entries)
    with pytest.raises(BadSetting, match=r"^the package campaigns names .*") as refused:
        load(())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("KIND = (", "SyntaxError: '(' was never closed (wrong.py, line 1)"),
        (
            "from tocsin import Kind\nKIND = Kind('two words', object, print, 's')",
            "ValueError: a kind is named in letters",
        ),
        ("raise RuntimeError('one line\\nand two')", "RuntimeError: one line and two"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_raises_stops_the_process_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    (tmp_path / "wrong.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wrong", raising=False)
    with pytest.raises(BadSetting, match=r"^TOCSIN_KINDS names wrong:KIND, which cannot be loaded: .*$") as refused:
        load(("wrong:KIND",))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def _run(_ctx: Context[BaseModel]) -> Done:
    return Done()


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("", {}, "a kind is named in letters"),
        ("two words", {}, "a kind is named in letters"),
        ("x" * 101, {}, "at most 100"),
        ("own", {"queue": "fast"}, "queue takes one of alerts"),
        ("own", {"secret_fields": ("token",)}, "its Params have no token"),
    ],
)
def test_a_kind_that_makes_no_sense_is_refused_where_it_is_written(
    name: str, more: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Kind(name, BaseModel, _run, "does nothing", **more)  # type: ignore[arg-type]
