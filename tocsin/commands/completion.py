"""`tocsin completion`: what makes a shell finish the words of this command."""

import argparse
from functools import partial
from typing import Any

_FILES = ("FILE", "FOLDER", "PATH")


def add(commands: Any, whole: argparse.ArgumentParser) -> None:
    """Adds the parser; `whole` is the command's own, whose words are completed."""
    completion = commands.add_parser("completion", help="print what makes a shell complete this command's words")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell's")
    completion.set_defaults(do=partial(_completion, whole))


def _completion(whole: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    import shtab

    from tocsin.examples import leaves

    for _, leaf in leaves(whole):
        for action in leaf._actions:  # noqa: SLF001  as shtab itself walks them
            if isinstance(action.metavar, str) and any(word in action.metavar for word in _FILES):
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab's way to be told
    print(shtab.complete(whole, args.shell))
    return 0
