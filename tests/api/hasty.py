"""The web process, only that it waits half a second for what it else waits twenty for."""

import sys

from api import app, connection, doorway

doorway.BODY_SECONDS = connection.HEAD_SECONDS = 0.5

if __name__ == "__main__":
    sys.exit(app.main(sys.argv[1:]))
