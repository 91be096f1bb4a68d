"""`python -m proof.scenarios NAME [--json]`: measures a scenario; the exit status is 0 when all of its goals are met."""

import argparse
import json
import sys
from typing import Any

from proof.scenarios import disk, drain, recover, resume, soak
from proof.scenarios.report import document

SCENARIOS: dict[str, Any] = {"recover": recover, "resume": resume, "drain": drain, "disk": disk, "soak": soak}


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0 when every goal of every part is met."""
    parser = argparse.ArgumentParser(prog="python -m proof.scenarios", description=__doc__)
    commands = parser.add_subparsers(dest="scenario", required=True)
    for name, scenario in SCENARIOS.items():
        command = commands.add_parser(name, help=(scenario.__doc__ or "").partition("\n")[0])
        command.add_argument("--json", action="store_true", help="one JSON document on standard output")
        scenario.add(command)
    args = parser.parse_args(argv)
    parts = SCENARIOS[args.scenario].measure(args, _tell)
    options = {name: value for name, value in vars(args).items() if name not in ("scenario", "json")}
    found = document(args.scenario, options, parts)
    sys.stdout.write(
        json.dumps(found, indent=2) + "\n" if args.json else "\n".join(part.as_text() for part in parts) + "\n"
    )
    return 0 if found["isMet"] else 1


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
