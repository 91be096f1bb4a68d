"""`python -m telemetry.alive [PORT]`: exit status 0 when the process that serves METRICS_PORT (or PORT) here lives.

For an image without a shell. It loads next to nothing, since it is asked every few seconds.
"""

import http.client
import sys
from collections.abc import Sequence

from config.environ import BadSetting, need

_PATIENCE_SECONDS = 4.0


def is_alive(port: int) -> bool:
    """Whether this machine answers /healthz on the port."""
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        asking.request("GET", "/healthz")
        return asking.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def main(argv: Sequence[str]) -> int:
    """0 when it lives, 1 when it does not."""
    try:
        port = int(argv[0]) if argv else need("METRICS_PORT")
    except (BadSetting, ValueError) as error:
        sys.stderr.write(f"tocsin: {error}\n")
        return 1
    return 0 if is_alive(port) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
