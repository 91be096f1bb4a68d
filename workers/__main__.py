"""`python -m workers`: one worker process of several, as its supervisor starts it."""

import argparse

from workers.main import GRACE_SECONDS, main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tocsin worker")
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS)
    parser.add_argument("--parent", type=int)
    wanted = parser.parse_args()
    raise SystemExit(main(wanted.grace, wanted.parent))
