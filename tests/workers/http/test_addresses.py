import ipaddress
import socket
import threading
from contextlib import closing

import pytest

from tests.workers.wire import LOOPBACK, http_server
from workers.addresses import Forbidden, ResolveTooSlow, Unresolved, check_address, resolve
from workers.http import BadUrl, Client

DANGEROUS = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "4000::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::8"]


@pytest.mark.parametrize("address", DANGEROUS)
def test_a_special_purpose_address_is_refused(address: str) -> None:
    with pytest.raises(Forbidden):
        check_address(address)


NAMES_OF_THE_INSIDE = {
    "localhost": "127.0.0.1",
    "redis": "172.18.0.3",
    "postgres.svc": "10.96.0.7",
    "db.prod.svc.cluster.local": "fd12:3456::7",
    "api.internal": "100.64.3.4",
    "metadata.google.internal": "169.254.169.254",
    "instance-data": "fd00:ec2::254",
    "printer.local": "fe80::1",
    "web": "::ffff:10.0.0.9",
}


@pytest.mark.parametrize("name", NAMES_OF_THE_INSIDE)
def test_a_name_of_the_inside_is_refused_by_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _answering(monkeypatch, NAMES_OF_THE_INSIDE[name])
    with pytest.raises(Forbidden):
        resolve(name, 443)


def test_to_a_closed_address_no_socket_is_ever_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[object] = []
    connect = socket.socket.connect

    def counted(one: socket.socket, address: object) -> None:
        connected.append(address)
        connect(one, address)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(socket.socket, "connect", counted)
    looked_up = socket.getaddrinfo
    with closing(Client()) as client, http_server() as server:
        with closing(Client(allowed=LOOPBACK)) as opened:
            assert opened.request("GET", server.url).status == 200
        assert len(connected) == 1, "what is counted is what would leave"
        for address in DANGEROUS:
            literal = f"[{address}]" if ":" in address else address
            with pytest.raises((Forbidden, BadUrl, Unresolved)):
                client.request("GET", f"http://{literal}/")
            _answering(monkeypatch, address)
            with pytest.raises(Forbidden):
                client.request("POST", "https://name.example.com/", content=b"x")
            monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    assert len(connected) == 1


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("text", ["127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "0", "localhost"])
def test_each_way_to_write_loopback_is_refused_once_resolved(text: str) -> None:
    with pytest.raises(Forbidden):
        resolve(text, 80)


def test_an_opened_range_opens_its_addresses_and_no_others() -> None:
    [target] = resolve("127.0.0.1", 80, LOOPBACK)
    assert (target.address, target.port, target.is_opened) == ("127.0.0.1", 80, True)
    for address in ("10.0.0.1", "::1", "::ffff:127.0.0.1"):
        with pytest.raises(Forbidden):
            check_address(address, LOOPBACK)


def test_ipv6_ranges_open_too() -> None:
    check_address("fd00::5", (ipaddress.ip_network("fd00::/8"),))


def _answering(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_with_a_public_and_a_private_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(Forbidden, match="TOCSIN_EGRESS_ALLOW") as caught:
        resolve("both.example.com", 443)
    assert "10.0.0.1" not in str(caught.value)


def test_a_name_gives_each_of_its_addresses_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, "2606:4700::1111", "1.1.1.1", "1.1.1.1")
    assert [target.address for target in resolve("one.example.com", 443)] == ["2606:4700::1111", "1.1.1.1"]


@pytest.mark.parametrize("host", ["", "a\0b", "x" * 300, "no-such-name.invalid"])
def test_a_name_without_an_address_is_unresolved(host: str) -> None:
    with pytest.raises(Unresolved):
        resolve(host, 80)


def test_dead_name_servers_are_waited_for_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        is_over.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ResolveTooSlow):
        resolve("slow.example.com", 80, timeout_seconds=0.05)
    is_over.set()
