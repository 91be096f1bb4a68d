"""Where a request comes from, behind the proxies that we know, and whose address that is."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from fastapi import Request

from api.state import web_of

# Some proxies write the port beside an IPv4 address, or beside one of IPv6 in brackets.
_PORT = re.compile(r"^(?:\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[\d.]+):\d+)$")


def address_of(request: Request) -> str:
    """The address that the request comes from.

    The connection's; where that is one of TOCSIN_PROXIES, the last hop of `X-Forwarded-For` that is none of them.
    """
    own = _plain(request.client.host) if request.client else ""
    return forwarded(own, request.headers.getlist("x-forwarded-for"), web_of(request).settings.proxies)


def forwarded(own: str, headers: Sequence[str], proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Whom the nearest proxies saw, of a connection from `own`; `own` itself where it is no proxy, or nothing better is known.

    Each proxy appends whom it saw, so only the end of the list, up to the first stranger, was written by ours.
    """
    if not _is_of(own, proxies):
        return own
    for hop in reversed(",".join(headers).split(",")):
        with_port = _PORT.match(hop.strip())
        found = _plain((with_port["six"] or with_port["four"]) if with_port else hop.strip())
        try:
            ip_address(found)
        except ValueError:
            break
        if not _is_of(found, proxies):
            return found
    return own


def _plain(address: str) -> str:
    # To a socket of both families an IPv4 address is one of IPv6.
    return address.removeprefix("::ffff:")


def _is_of(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def network_of(address: str) -> str:
    """Whom wrong tokens and requests without any are counted of: an IPv4 address, or the /64 of one customer."""
    try:
        return str(IPv6Network((IPv6Address(address.partition("%")[0]).packed, 64), strict=False))
    except ValueError:
        return address
