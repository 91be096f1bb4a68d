"""One web process on a socket that its supervisor opened: `python -m api --socket N`."""

import sys

from api.app import main

if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[2]) if sys.argv[1:2] == ["--socket"] else None))
