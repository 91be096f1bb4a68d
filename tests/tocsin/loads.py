"""The command in a process of its own: the last line of standard error tells what it loaded while its transaction was open."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from db import pool
from tocsin.command import main

plain = pool.transaction
loaded: list[str] = []
is_open: list[bool] = []


@contextmanager
def told(conn: pool.Connection) -> Iterator[None]:
    """A transaction during which what is loaded is written down."""
    with plain(conn):
        is_open.append(True)
        try:
            yield
        finally:
            is_open.pop()


class Witness:
    """Finds no module, and writes down which was looked for."""

    def find_spec(self, name: str, *_: object) -> None:
        """Nothing; it is asked before all others."""
        if is_open and name not in sys.builtin_module_names:
            loaded.append(name)


if __name__ == "__main__":
    pool.transaction = told
    sys.meta_path.insert(0, Witness())
    status = main(sys.argv[1:])
    sys.stderr.write(" ".join(["loaded", *loaded]) + "\n")
    sys.exit(status)
