"""`tocsin mcp`: what a model's program may ask Tocsin, by the Model Context Protocol, over the HTTP API and under a token."""

import argparse
from pathlib import Path
from typing import Any

from tocsin.complaints import Complaint


def add(commands: Any) -> None:
    """Adds the parser."""
    mcp = commands.add_parser("mcp", help="serve a model's program on standard input and output, under one API token")
    mcp.add_argument("--write", action="store_true", help="offer changes too; each is planned, then confirmed")
    mcp.add_argument("--token-file", metavar="FILE", help="holds the API token, in place of TOCSIN_TOKEN")
    mcp.add_argument("--tenant", metavar="SLUG", help="whose, for an operator's token; any other has its own tenant")
    mcp.set_defaults(do=_mcp)


def _mcp(args: argparse.Namespace) -> int:
    from config.environ import need

    url, token = need("TOCSIN_URL"), _token(args.token_file)
    try:
        from tocsin.mcp.server import serve
        from tocsin.mcp.web import Web
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise Complaint("needs the extra `mcp`: pip install 'tocsin[mcp]'") from None
    serve(Web(url, token, args.tenant), is_writing=args.write)
    return 0


def _token(file: str | None) -> str:
    from config.environ import need

    if file is None:
        token: str = need("TOCSIN_TOKEN")
        return token
    try:
        found = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Complaint(f"--token-file: cannot read {file}: {why}") from None
    if not found or not found.isascii() or len(found.split()) != 1:
        raise Complaint(f"--token-file: {file} holds no single token")
    return found
