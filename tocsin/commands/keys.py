"""`tocsin keys`: the keys that stored secrets are sealed with."""

import argparse
from typing import Any

from tocsin.terminal import show_json, with_json


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("keys", help="keys for stored secrets").add_subparsers(metavar="VERB", required=True)
    generate = verbs.add_parser("generate", help="print a fresh key for TOCSIN_SECRET_KEYS; it is stored nowhere")
    with_json(generate)
    generate.set_defaults(do=_generate)


def _generate(args: argparse.Namespace) -> int:
    import base64
    import secrets

    key = base64.b64encode(secrets.token_bytes(32)).decode()
    if args.is_json:
        show_json({"key": key})
    else:
        print(key)
    return 0
