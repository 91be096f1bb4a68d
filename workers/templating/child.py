"""The process that a template is rendered in: it bounds itself before it reads a word of it, renders, answers and ends."""

import codecs
import json
import resource
import sys

CPU_SECONDS = 1
MEMORY_BYTES = 256 * 1024 * 1024
ANSWER_BYTES = 16 * 1024 * 1024


def bound() -> None:
    """Takes away what rendering needs none of: time, memory, files and processes."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER_BYTES, ANSWER_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Reads what is wanted from standard input and writes what was made of it, or what is wrong with it."""
    sys.path[:0] = json.loads(sys.argv[1])
    # Both are looked for only when they are needed, and then no file can be opened any more.
    import jinja2.debug  # noqa: F401 - imported for that alone

    codecs.lookup("unicode_escape")

    from workers.templating.data import read
    from workers.templating.parts import BadPart, make

    # Nothing more is opened from here on: what was imported is there, and so are the three streams.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    wanted = json.load(sys.stdin)
    made: list[dict[str, str]] = []
    answer: dict[str, object] = {"made": made}
    try:
        made.extend(make(wanted["sources"], read(context)) for context in wanted["contexts"])
    except BadPart as error:
        answer = {"wrong": [error.part, error.line, error.message, len(made)]}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    bound()
    main()
