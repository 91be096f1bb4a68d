"""`python -m api`: the web process."""

import sys

from api.serving import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
