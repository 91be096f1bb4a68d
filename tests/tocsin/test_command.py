"""The command's outer shape: it starts light, answers in JSON, and its public face is small."""

import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest

import tocsin as face
from tests.tocsin.conftest import Tocsin
from tocsin.command import parser


def _leaves(found: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Every command with its options."""
    groups = [action for action in found._actions if hasattr(action, "choices") and isinstance(action.choices, dict)]  # type: ignore[attr-defined]
    if not groups:
        yield path, {option for action in found._actions for option in action.option_strings}  # type: ignore[attr-defined]
    for group in groups:
        for name, child in group.choices.items():
            yield from _leaves(child, (*path, name))


COMMANDS = dict(_leaves(parser()))
SILENT = {("ticker",), ("worker",), ("api",), ("up",), ("mcp",), ("completion",)}


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - SILENT), ids=" ".join)
def test_every_command_that_prints_takes_json(command: tuple[str, ...]) -> None:
    assert "--json" in COMMANDS[command]


def test_the_contracts_commands_are_there() -> None:
    assert {
        ("migrate",),
        ("ticker",),
        ("worker",),
        ("api",),
        ("up",),
        ("demo",),
        ("doctor",),
        ("why",),
        ("bench",),
        *(
            ("schedules", verb)
            for verb in ["list", "show", "create", "pause", "resume", "cancel", "run", "backfill", "next"]
        ),
        *(("runs", verb) for verb in ["list", "show", "cancel", "retry", "watch"]),
        *(("dead", verb) for verb in ["list", "show", "replay", "discard"]),
        *(("cron", verb) for verb in ["explain", "next"]),
        *(("tenants", verb) for verb in ["create", "list", "show", "set", "suspend", "reinstate", "export", "delete"]),
        *(("members", verb) for verb in ["list", "create", "disable", "erase"]),
        *(("tokens", verb) for verb in ["create", "list", "revoke", "link"]),
        *(("keys", verb) for verb in ["generate", "rotate"]),
        ("audit", "verify"),
        ("mcp",),
        ("completion",),
        ("apply",),
        ("export",),
        *(("import", origin) for origin in ["crontab", "celery-beat"]),
    } <= set(COMMANDS)


def test_help_loads_neither_the_database_nor_the_kinds() -> None:
    heavy = "{'psycopg', 'pydantic', 'httpx', 'dramatiq', 'fastapi', 'croniter', 'redis', 'mcp', 'shtab'}"
    code = f"import sys, tocsin.command as c; s = c.main(['--help']); sys.exit(s or len({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: tocsin")


def test_the_command_is_installed_under_its_name() -> None:
    code = "import importlib.metadata as m; print(m.entry_points(group='console_scripts')['tocsin'].value)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "tocsin.command:main"


def test_the_public_face_holds_what_a_kind_needs() -> None:
    from workers.kind import Context, Kind
    from workers.outcome import Done, Later, Rejected

    assert (face.Kind, face.Context, face.Done, face.Later, face.Rejected) == (Kind, Context, Done, Later, Rejected)
    assert all(getattr(face, name).__name__ == name for name in face.__all__)
    with pytest.raises(AttributeError):
        _ = face.Task


def test_a_generated_key_seals(bare: Tocsin) -> None:
    from config.seal import Place, Seal

    here = Place(uuid4(), "sources", uuid4(), "sealed_password")
    seal = Seal((bare("keys", "generate", "--json").json()["key"],))
    assert seal.open(seal.seal("hush", here), here) == "hush"


def test_the_openapi_document_needs_no_setting(bare: Tocsin) -> None:
    assert "/healthz" in bare("api", "--openapi").json()["paths"]


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m tocsin cron next '* * * * *' --count 1000 | head -1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("AT")
    assert done.stderr == ""


def test_cron_next_tells_the_nights_and_needs_no_database(bare: Tocsin) -> None:
    spring = ("cron", "next", "30 2 * * *", "--tz", "Europe/Paris", "--from", "2026-03-28T12:00:00Z", "--count", "2")
    assert bare(*spring, "--json").json() == [
        {"at": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00", "dst": "gap"},
        {"at": "2026-03-30T00:30:00Z", "local": "2026-03-30T02:30:00+02:00", "dst": None},
    ]
    assert bare(*spring, "--gap", "skip", "--json").json()[0]["at"] == "2026-03-30T00:30:00Z"
    autumn = ("cron", "next", "30 2 * * *", "--tz", "Europe/Paris", "--from", "2026-10-24T12:00:00Z", "--count", "2")
    both = bare(*autumn, "--fold", "both", "--json").json()
    assert [slot["dst"] for slot in both] == ["fold_first", "fold_second"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("61 * * * *",), "cron field minute '61': takes 0-59"),
        (("0 9 * * *", "--tz", "Mars/Olympus"), "timezone takes an IANA name"),
        (("0 9 * * *", "--gap", "x"), "dst_gap takes end, skip, shift"),
        (("0 9 * * *", "--from", "2026-03-28T12:00:00"), "--from: takes a time with its offset"),
    ],
)
def test_cron_next_refuses_with_the_reason(bare: Tocsin, argv: tuple[str, ...], said: str) -> None:
    assert bare("cron", "next", *argv, "--json").complaint().startswith(said)


def test_cron_explain_speaks_plainly(bare: Tocsin) -> None:
    answer = bare("cron", "explain", "0 9 * * 1-5", "--tz", "Europe/Paris")
    assert answer.out == "At 09:00, Monday through Friday (Europe/Paris)\n"
