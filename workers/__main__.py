"""`python -m workers`: one worker process of several, as its supervisor starts it."""

import argparse

from db.migrate import SchemaError
from workers.main import GRACE_SECONDS, main
from workers.supervisor import UNFIT, events

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tocsin worker")
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--told", action="store_true", help="that the schema does not fit was said already")
    wanted = parser.parse_args()
    why = None
    try:
        status = main(wanted.grace, wanted.parent)
    except SchemaError as error:
        if wanted.parent is None:
            raise
        status, why = UNFIT, str(error)
    if why is not None:
        tell = events.debug if wanted.told else events.error
        tell("worker.unfit", why=why)
    raise SystemExit(status)
