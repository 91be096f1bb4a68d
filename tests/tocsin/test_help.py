"""Every command's help, its examples, its exit status, and what a shell completes of it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from tests.tocsin.conftest import Tocsin
from tests.tocsin.test_command import SILENT
from tocsin.command import main, parser
from tocsin.examples import EXAMPLES, leaves

PARSER = parser()
LEAVES = {" ".join(path): leaf for path, leaf in leaves(PARSER)}
# What starts processes, or servers of its own, whatever the settings.
STARTING = {" ".join(path) for path in SILENT} - {"completion"} | {"demo", "bench", "chaos"}


def words_of(example: str) -> list[str]:
    """What the shell would give the command: no settings before it, no pipes and files after it."""
    words = shlex.split(example, comments=True)
    place = words.index("tocsin")
    ends = [at for at, word in enumerate(words) if at > place and word in (">", "<", "|")]
    return words[place + 1 : min(ends, default=len(words))]


@pytest.mark.parametrize("name", LEAVES)
def test_every_help_ends_with_an_example_that_the_parser_takes(name: str) -> None:
    found = EXAMPLES[name]
    help_text = LEAVES[name].format_help()
    for example in found:
        assert help_text.rstrip().splitlines().count(f"  {example}") == 1
        argv = words_of(example)
        assert " ".join(argv).startswith(name)
        assert PARSER.parse_args(argv).do == LEAVES[name].get_default("do")


def test_there_is_no_example_of_what_is_no_command() -> None:
    assert set(EXAMPLES) == set(LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_help_is_0_and_misuse_is_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for option, status in (("--help", 0), ("--no-such-option", 2)):
        with pytest.raises(SystemExit) as ended:
            PARSER.parse_args([*name.split(), option])
        assert ended.value.code == status
    said = capsys.readouterr()
    assert said.out.startswith(f"usage: tocsin {name}")
    assert said.err.startswith("usage: tocsin")


def test_a_command_without_its_words_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(argv) for argv in ([], ["schedules"], ["no-such-noun"], ["schedules", "no-such-verb"])] == [2] * 4
    assert main(["cron", "next", "--help"]) == 0
    assert "example:" in capsys.readouterr().out
    assert main(["dead", "replay"]) == 2
    assert main(["dead", "replay", "--all", "an-id"]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", sorted(set(LEAVES) - STARTING))
def test_every_example_fails_with_1_and_one_line_where_nothing_is_set(
    bare: Tocsin, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.csv").write_text("uid\nu-1\n")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO()))
    answer = bare(*words_of(EXAMPLES[name][0]))
    if answer.status == 0:
        assert name in {"cron explain", "cron next", "keys generate", "completion", "doctor"}
    elif name != "doctor":
        assert re.search("_URL is not set|cannot read", answer.complaint())
    assert list(tmp_path.iterdir()) == [tmp_path / "users.csv"]


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "tocsin.bash"
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "completion", "bash"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    file.write_text(done.stdout)
    return file


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("tocsin sched", {"schedules"}),
        ("tocsin schedules ", {"list", "show", "create", "pause", "resume", "cancel", "run", "backfill", "next"}),
        ("tocsin schedules ba", {"backfill"}),
        ("tocsin schedules backfill nightly --f", {"--from"}),
        ("tocsin schedules list --status pa", {"paused"}),
        ("tocsin completion ", {"bash", "zsh", "fish"}),
        ("tocsin mcp --w", {"--write"}),
        ("tocsin mcp --token-file tok", {"token.txt"}),
        ("tocsin report-definitions ver", {"versions"}),
    ],
)
def test_bash_completes_commands_options_choices_and_files(bash_script: Path, line: str, found: set[str]) -> None:
    (bash_script.parent / "token.txt").touch()
    words = line.split(" ")
    script = f"""
        source {bash_script}
        COMP_WORDS=({" ".join(shlex.quote(word) for word in words)}); COMP_CWORD={len(words) - 1}
        _shtab_tocsin 2>/dev/null; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, cwd=bash_script.parent, timeout=30
    )
    assert set(done.stdout.split()) - {"-h", "--help"} == found, done.stderr


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("tocsin sched", {"schedules"}),
        ("tocsin schedules backfill nightly --f", {"--from"}),
        ("tocsin schedules list --status pa", {"paused"}),
        ("tocsin completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_fish_completes_commands_options_and_choices(bare: Tocsin, line: str, found: set[str], tmp_path: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("needs fish")
    file = tmp_path / "tocsin.fish"
    file.write_text(bare("completion", "fish").out)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; complete -C {shlex.quote(line)}"],
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(tmp_path)},
        timeout=30,
    )
    assert {each.partition("\t")[0] for each in done.stdout.splitlines()} == found, done.stderr


# Types into a zsh with its own terminal, and reads until the rest of the word stands there.
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=""; fpath=('$1' $fpath); autoload -U compinit; compinit -u -d '$1'/dump; print RE""ADY'
zpty -r shell said '*READY*'
zpty -n -w shell "$2"$'\\t'
zpty -r shell said "*$3*"
print -r -- $said
zpty -d shell
"""


@pytest.mark.parametrize(
    ("line", "rest"), [("tocsin sched", "ules"), ("tocsin schedules ba", "ckfill"), ("tocsin mcp --wr", "ite")]
)
def test_zsh_completes_commands_and_options(bare: Tocsin, line: str, rest: str, tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("needs zsh")
    (tmp_path / "_tocsin").write_text(bare("completion", "zsh").out)
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "ask", str(tmp_path), line, rest],
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(tmp_path), "TERM": "vt100"},
        timeout=30,
    )
    assert rest in done.stdout, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_printed_is_a_script_of_that_shell(bare: Tocsin, shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    file = tmp_path / "script"
    file.write_text(bare("completion", shell).out)
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(bare: Tocsin, shell: str) -> None:
    script = bare("completion", shell).out
    assert not [word for name in LEAVES for word in name.split() if word not in script]


def test_a_shell_that_is_not_known_is_misuse(bare: Tocsin) -> None:
    assert bare("completion", "tcsh").status == 2
