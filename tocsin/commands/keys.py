"""`tocsin keys`: the keys that wrap the data keys of stored secrets."""

import argparse
from typing import Any

from tocsin.installation import opened, record, seal
from tocsin.terminal import counting, show_json, with_json


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("keys", help="keys for stored secrets").add_subparsers(metavar="VERB", required=True)
    generate = verbs.add_parser("generate", help="print a fresh key for TOCSIN_SECRET_KEYS; it is stored nowhere")
    with_json(generate)
    generate.set_defaults(do=_generate)
    rotate = verbs.add_parser("rotate", help="bring every stored secret under the newest key of TOCSIN_SECRET_KEYS")
    with_json(rotate)
    rotate.set_defaults(do=_rotate)


def _generate(args: argparse.Namespace) -> int:
    import base64
    import secrets

    key = base64.b64encode(secrets.token_bytes(32)).decode()
    if args.is_json:
        show_json({"key": key})
    else:
        print(key)
    return 0


def _rotate(args: argparse.Namespace) -> int:
    """Exit status 0 when every older key can be taken off the list."""
    from db import sealed
    from db.pool import transaction

    keys = seal()
    with opened() as conn:
        # Of a rotation that is refused nothing is counted.
        older = sealed.count_by_key(conn) if keys.key_ids else {}
        with counting(sum(count for key, count in older.items() if key not in keys.key_ids[:1]), "secrets") as tell:
            done = sealed.rotate(conn, keys, tell)
        facts = {"newestKey": keys.key_ids[0], "rewrapped": done.rewrapped, "remaining": done.remaining}
        with transaction(conn):
            record(conn, None, "keys.rotated", ("key", keys.key_ids[0]), None, facts)
    if args.is_json:
        show_json({**facts, "remaining": dict(done.remaining)})
    else:
        print(f"{done.rewrapped} brought under the key {keys.key_ids[0]}")
        for key_id, count in sorted(done.remaining.items()):
            is_listed = key_id in keys.key_ids
            why = "rows in use; run it again" if is_listed else "not in TOCSIN_SECRET_KEYS, so they can't be moved"
            print(f"{count} remain under the key {key_id}: {why}")
        if not done.remaining:
            print("none remain under another key: the older ones can be taken off TOCSIN_SECRET_KEYS")
    return 1 if done.remaining else 0
