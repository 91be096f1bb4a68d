"""Which addresses an outgoing connection may reach: public ones, and the ranges that TOCSIN_EGRESS_ALLOW opens.

A name is resolved once, every address it has must pass, and the connection goes to a checked address, so a name that
changes its answer between the check and the connection (DNS rebinding) gains nothing. `ipaddress.is_global` is not
used: it lets NAT64, 6to4, multicast and other dangerous forms through and differs between Python versions.
"""

import ipaddress
import socket
import threading
from collections.abc import Sequence
from typing import NamedTuple

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_ADDRESSES = 16

# Source: the IANA registries of special-purpose IPv4 and IPv6 addresses, and of multicast.
_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# IPv6 the other way round: only global unicast is open. That closes ::, ::1, ::a.b.c.d, ::ffff:a.b.c.d, NAT64
# (64:ff9b::/96 and 64:ff9b:1::/48), 100::/64, 5f00::/16, fc00::/7, fe80::/10, fec0::/10 and ff00::/8 in one line.
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarking and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


class Forbidden(Exception):
    """The address may not be reached from here: a lasting refusal. Open its range with TOCSIN_EGRESS_ALLOW."""


class Unresolved(Exception):
    """The name has no address now: a passing failure."""


class ResolveTooSlow(Exception):
    """The name servers did not answer in time: a passing failure."""


class Target(NamedTuple):
    """One checked address: what to connect to, and whether it is open only because an operator opened its range."""

    family: int
    address: str
    port: int
    is_opened: bool


def is_opened(ip: IPAddress, allowed: Sequence[IPNetwork]) -> bool:
    """True when the operator opened a range that holds this address."""
    return any(ip.version == network.version and ip in network for network in allowed)


def is_public(ip: IPAddress) -> bool:
    """True for an ordinary address of the public internet, false for every special-purpose one."""
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _CLOSED_V4)
    return ip.scope_id is None and ip in _OPEN_V6 and not any(ip in network for network in _CLOSED_V6)


def check_address(ip: str | IPAddress, allowed: Sequence[IPNetwork] = ()) -> None:
    """Return when the address may be reached.

    Raises Forbidden otherwise. The text names no address: what a private name resolves to is not the tenant's to know.
    """
    parsed = ipaddress.ip_address(ip) if isinstance(ip, str) else ip
    if not is_public(parsed) and not is_opened(parsed, allowed):
        raise Forbidden("the address is not a public one; TOCSIN_EGRESS_ALLOW opens a range")


def resolve(host: str, port: int, allowed: Sequence[IPNetwork] = (), timeout_seconds: float = 10.0) -> list[Target]:
    """Return the checked addresses of a host, in the resolver's order of preference, never empty.

    Raises Forbidden when any one of them is closed (a public and a private answer to one name is an attack),
    Unresolved when there is none, ResolveTooSlow when the resolver does not answer in `timeout_seconds`.
    """
    targets: list[Target] = []
    for family, address in _look_up(host, port, timeout_seconds):
        ip = ipaddress.ip_address(address)
        check_address(ip, allowed)
        target = Target(family, address, port, is_opened(ip, allowed))
        if target not in targets:
            targets.append(target)
    if not targets:
        raise Unresolved("the name has no address")
    return targets[:MOST_ADDRESSES]


def _look_up(host: str, port: int, timeout_seconds: float) -> list[tuple[int, str]]:
    """Return (family, address) pairs. `getaddrinfo` takes no timeout, so a name is looked up in a thread of its own."""
    literal = _literal(host)
    if literal is not None:
        return [(socket.AF_INET if literal.version == 4 else socket.AF_INET6, str(literal))]
    if not host or "\0" in host or len(host) > 253:
        raise Unresolved("the name has no address")
    found: list[tuple[int, str]] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append((family, str(address[0])))
        except (OSError, UnicodeError) as error:
            problems.append(error)

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(max(timeout_seconds, 0.0))
    if thread.is_alive():
        raise ResolveTooSlow("the name servers did not answer in time")
    if problems:
        raise Unresolved("the name has no address") from problems[0]
    return found


def _literal(host: str) -> IPAddress | None:
    """Return the address that the host is, when it is written in full; `127.1` and the like go the resolver's way."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
