"""The web process, only that it waits half a second for what it else waits twenty for."""

import sys

from api import connection, doorway, serving

doorway.BODY_SECONDS = connection.HEAD_SECONDS = 0.5

if __name__ == "__main__":
    sys.exit(serving.main(sys.argv[1:]))
