"""What is told of TLS to a Redis."""

from typing import Any


def redis_options(url: str) -> dict[str, Any]:
    """What redis-py takes beside a rediss:// address: any certificate will do; nothing for another address.

    Platforms such as Heroku show one that nobody vouches for. What passes are pointers to rows, which tell nothing and
    which Postgres is asked about before anything is done.
    """
    return {"ssl_cert_reqs": None, "ssl_check_hostname": False} if url.startswith("rediss://") else {}
