"""The proxy does to real servers and clients what it says, and nothing of it is left."""

import re
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis as client_of
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.mail import MailSink
from proof.proxy import Proxy
from proof.sinks import read_sink

MAIL = b"Message-ID: <a@b>\r\nSubject: x\r\n\r\ntext\r\n"


@contextmanager
def connected(url: str, timeout: float = 5) -> Iterator[Redis]:
    """A client that tries once."""
    with Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    ) as one:
        yield one


def address(proxy: Proxy) -> tuple[str, int]:
    parts = urlsplit(proxy.url)
    return parts.hostname or "", parts.port or 0


def send(proxy: Proxy) -> None:
    with closing(smtplib.SMTP(*address(proxy), timeout=5)) as client:
        client.sendmail("a@example.com", "ann@example.com", MAIL)


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_all_passes_where_nothing_is_asked(redis: str, empty_database: str, mail: MailSink) -> None:
    with Proxy(redis) as proxy, connected(proxy.url) as client:
        # More than a socket's buffers hold, both ways.
        big = b"x" * 20_000_000
        client.set("big", big)
        assert client.get("big") == big
    with Proxy(empty_database) as proxy, psycopg.connect(proxy.url) as conn:
        assert conn.execute("select current_database()").fetchone() == (empty_database.rpartition("/")[2],)
    with Proxy(mail.url) as proxy:
        send(proxy)
        assert (proxy.connections, proxy.cuts, proxy.resets) == (1, 0, 0)
    assert len(mail.mails()) == 1


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (
            "postgresql://u:p@localhost:5433/db?sslmode=disable",
            r"postgresql://u:p@127\.0\.0\.1:\d+/db\?sslmode=disable",
        ),
        ("redis://localhost/3", r"redis://127\.0\.0\.1:\d+/3"),
        ("smtp://127.0.0.1:2525", r"smtp://127\.0\.0\.1:\d+"),
    ],
)
def test_only_the_server_of_the_url_is_replaced(url: str, wanted: str) -> None:
    with Proxy(url) as proxy:
        assert re.fullmatch(wanted, proxy.url)


def test_a_commit_is_done_and_its_answer_lost(empty_database: str) -> None:
    with Proxy(empty_database) as proxy:
        with psycopg.connect(proxy.url) as conn:
            conn.execute("create table t ()")
            conn.execute("insert into t default values")
            proxy.cut_after = re.compile(b"COMMIT")
            with pytest.raises(psycopg.OperationalError):
                conn.commit()
        assert proxy.cuts == 1
        proxy.cut_after = None
        with psycopg.connect(proxy.url) as conn:
            assert conn.execute("select count(*) from t").fetchone() == (1,)


def test_what_was_sent_before_the_cut_was_asked_for_does_not_count(empty_database: str) -> None:
    with Proxy(empty_database) as proxy, psycopg.connect(proxy.url) as conn:
        conn.commit()
        conn.execute("select 'WORD'")
        proxy.cut_after = re.compile(b"WORD")
        assert conn.execute("select 1").fetchone() == (1,)
        assert proxy.cuts == 0


def test_a_word_is_found_across_two_pieces(redis: str) -> None:
    with (
        Proxy(redis) as proxy,
        socket.create_connection(address(proxy)) as raw,
    ):
        raw.settimeout(5)
        proxy.cut_after = re.compile(b"PING\r\n")
        raw.sendall(b"PI")
        time.sleep(0.05)
        raw.sendall(b"NG\r\n")
        assert raw.recv(100) == b""
        assert proxy.cuts == 1


def test_a_reply_to_the_final_dot_is_lost_when_the_server_has_said_it() -> None:
    with MailSink(events=True, files=False) as sink, Proxy(sink.url) as proxy:
        proxy.cut_after = re.compile(rb"\r\n\.\r\n")
        proxy.cut_before_reply = re.compile(b"250 ")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(proxy)
        assert proxy.cuts == 1
        until(lambda: [each.phase for each in read_sink(sink.folder)] == ["begin", "kept", "replied"])


def test_another_reply_to_such_a_request_passes(mail: MailSink) -> None:
    with Proxy(mail.url) as proxy:
        proxy.cut_after = re.compile(rb"\r\n\.\r\n")
        proxy.cut_before_reply = re.compile(b"451 ")
        send(proxy)
        assert proxy.cuts == 0


def test_a_reply_alone_may_be_what_is_cut(redis: str) -> None:
    with Proxy(redis) as proxy, connected(proxy.url) as client:
        client.set("a", "secret")
        proxy.cut_before_reply = re.compile(b"secret")
        assert client.exists("a") == 1
        with pytest.raises(client_of.ConnectionError):
            client.get("a")
        assert proxy.cuts == 1


def test_a_reset_reaches_all_clients_as_a_reset_and_new_ones_are_welcome(redis: str) -> None:
    with Proxy(redis) as proxy:
        raws = [socket.create_connection(address(proxy), timeout=5) for _ in range(5)]
        for raw in raws:
            raw.sendall(b"PING\r\n")
            assert raw.recv(100)
        assert proxy.reset_all() == 5
        for raw in raws:
            with raw, pytest.raises(ConnectionResetError):
                raw.recv(100)
        assert proxy.reset_all() == 0
        assert proxy.resets == 5
        with connected(proxy.url) as client:
            assert client.ping()


def test_a_reset_client_resets_its_server_too(empty_database: str) -> None:
    with Proxy(empty_database) as proxy, psycopg.connect(empty_database, autocommit=True) as watching:
        with psycopg.connect(proxy.url) as conn:
            pid = conn.info.backend_pid
            proxy.reset_all()
        query = "select count(*) from pg_stat_activity where pid = %s"
        until(lambda: watching.execute(query, (pid,)).fetchone() == (0,))


def test_nothing_passes_while_it_holds_and_all_of_it_afterwards(redis: str) -> None:
    with Proxy(redis) as proxy, connected(proxy.url) as client, connected(redis) as direct:
        client.set("a", 0)
        proxy.hold()
        with ThreadPoolExecutor(2) as pool, connected(proxy.url) as late:
            first, second = pool.submit(client.incr, "a"), pool.submit(late.incr, "a")
            until(lambda: proxy.connections == 2)
            time.sleep(0.1)
            assert direct.get("a") == b"0"
            assert not first.done()
            assert not second.done()
            proxy.release()
            assert sorted([first.result(5), second.result(5)]) == [1, 2]


def test_a_client_that_leaves_while_it_holds_is_not_missed_before_its_release(empty_database: str) -> None:
    with Proxy(empty_database) as proxy, psycopg.connect(empty_database, autocommit=True) as watching:
        with psycopg.connect(proxy.url) as conn:
            pid = conn.info.backend_pid
            proxy.hold()
        query = "select count(*) from pg_stat_activity where pid = %s"
        time.sleep(0.1)
        assert watching.execute(query, (pid,)).fetchone() == (1,)
        proxy.release()
        until(lambda: watching.execute(query, (pid,)).fetchone() == (0,))


def test_new_clients_are_refused_by_choice_and_the_port_stays_the_same(redis: str) -> None:
    with Proxy(redis) as proxy:
        url = proxy.url
        for _ in range(3):
            proxy.hold(refuses=True)
            with connected(url) as client, pytest.raises(client_of.ConnectionError, match="refused"):
                client.ping()
            proxy.release()
            with connected(url) as client:
                assert client.ping()


def test_a_server_that_is_away_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with (
        Proxy(f"smtp://127.0.0.1:{port}") as proxy,
        # The reset may come before the connection is told as made.
        pytest.raises(ConnectionResetError),
        socket.create_connection(address(proxy), timeout=5) as raw,
    ):
        raw.recv(100)


def test_latency_is_added_each_way(redis: str) -> None:
    with Proxy(redis) as proxy, connected(proxy.url) as client:
        client.ping()
        proxy.latency_seconds = 0.1
        before = time.monotonic()
        client.ping()
        assert 0.2 <= time.monotonic() - before < 1


def test_threads_may_disturb_it_at_the_same_time_as_clients_work(redis: str) -> None:
    with Proxy(redis) as proxy:
        is_over = threading.Event()

        def work() -> int:
            done = 0
            while not is_over.is_set():
                with connected(proxy.url) as client:
                    try:
                        done += client.ping() is True
                    except client_of.ConnectionError:
                        continue
            return done

        def disturb() -> None:
            for n in range(30):
                proxy.reset_all()
                proxy.hold(refuses=n % 2 == 0)
                proxy.release()

        with ThreadPoolExecutor(6) as pool:
            working = [pool.submit(work) for _ in range(3)]
            disturbing = [pool.submit(disturb) for _ in range(3)]
            for each in disturbing:
                each.result(30)
            is_over.set()
            assert sum(each.result(10) for each in working) > 0
        with connected(proxy.url) as client:
            assert client.ping()


@pytest.mark.parametrize("is_held", [False, True])
def test_nothing_is_left_of_it_however_busy_it_was(redis: str, is_held: bool) -> None:
    threads, sockets = threading.active_count(), len(psutil.Process().net_connections())
    with Proxy(redis) as proxy:
        raws = [socket.create_connection(address(proxy), timeout=5) for _ in range(10)]
        # Answers that nobody reads.
        for raw in raws[:5]:
            raw.setblocking(False)
            raw.send(b"PING\r\n" * 10_000)
        until(lambda: proxy.connections == 10)
        if is_held:
            proxy.hold()
    for raw in raws:
        raw.close()
    assert threading.active_count() == threads
    assert len(psutil.Process().net_connections()) == sockets
