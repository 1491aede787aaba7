"""Clients that hang on the daemon's port, or send it nonsense, keep nobody else from an answer."""

import os
import re
import socket
import ssl
import subprocess
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from support.cluster import release_fifo
from support.daemon import rule
from support.slow_clients import SlowClients
from support.waiting import wait_until

CLIENTS = 200
CONNECTIONS = 100  # HttpLimits::connections
SECONDS = 6
DEADLINE = 5.0
PATHS = ("/metrics", "/api/v1/backends")


def sockets(daemon):
    """How many descriptors of the daemon are sockets."""
    folder = f"/proc/{daemon.process.pid}/fd"
    found = 0
    for name in os.listdir(folder):
        try:
            found += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            pass
    return found


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.M)[1]) / 1024


@pytest.fixture
def hung(cluster, daemon, session, app_name):
    """A daemon that watches an unresponsive backend."""
    running = daemon([rule("stuck", app_name, grace="500ms")])
    fifo = cluster.fifo(app_name)
    one = session()
    one.start(f"COPY t FROM '{fifo}'")
    try:
        running.wait_incident(one.pid, stage="unresponsive")
        yield running
    finally:
        release_fifo(fifo)
        one.wait()


def patiently(ask, displaced):
    """Its answer within the DEADLINE. A client that takes long from its connection to its request may be closed for one of
    those that come meanwhile; as a scrape it comes again. `displaced`: a list of such times."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return ask(end - time.monotonic())
        except ConnectionError as error:
            displaced.append(repr(error))
            assert time.monotonic() < end, displaced


def test_metrics_and_api_answer_while_200_slow_clients_hang_on_the_socket(hung):
    quiet, most, slowest, answered, displaced, memory = sockets(hung), 0, 0.0, 0, [], resident(hung)
    with SlowClients(hung.url, CLIENTS) as clients:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for path in PATHS:
                began = time.monotonic()
                status, body = patiently(lambda left, path=path: hung.get(path, timeout=left), displaced)
                slowest = max(slowest, time.monotonic() - began)
                assert status == 200
                assert "stuck" in body, "the whole answer"
                answered += 1
            most = max(most, sockets(hung))
            time.sleep(0.1)
        assert clients.closed > CLIENTS - CONNECTIONS
        assert most > quiet + CONNECTIONS // 2, "they do hang on it"
        memory = resident(hung) - memory
    assert len(displaced) <= answered // 10, displaced
    print(f"{answered} answers, {len(displaced)} at another try, the slowest after {slowest:.3f} s; at most {most} sockets, {clients.closed} closed, {memory:+.1f} MB")
    assert most <= quiet + CONNECTIONS + 2, "the limit of connections"
    wait_until(lambda: sockets(hung) <= quiet, timeout=20, what="as few sockets as before")


@pytest.fixture
def secured(cluster, daemon, app_name):
    """A daemon whose clients have to speak TLS."""
    config = cluster.folder / f"{app_name}.web.yml"
    pem, key = (config.with_suffix(suffix) for suffix in (".pem", ".key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", pem],
        check=True, capture_output=True,
    )
    config.write_text(f"tls_server_config: {{cert_file: {pem}, key_file: {key}}}\n")
    for file in (pem, key, config):
        file.chmod(0o644)
    return daemon([rule("none", app_name)], wait=False, extra=f"web: {{config_file: {config}}}")


def test_metrics_answer_while_200_clients_hang_in_tls_handshakes(secured):
    def listening():
        return re.search(r"event=listening url=https?://([^/]+)/", secured.log())

    url = "https://" + wait_until(listening, what="listening")[1]
    anybody = ssl._create_unverified_context()

    def get(path, left=DEADLINE):
        with urllib.request.urlopen(url + path, timeout=left, context=anybody) as answer:
            return answer.status

    wait_until(lambda: get("/-/healthy") == 200, what="healthy")
    quiet, answered, displaced = sockets(secured), 0, []
    with SlowClients(url, CLIENTS, tls=True):
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            assert patiently(lambda left: get("/metrics", left), displaced) == 200
            answered += 1
            time.sleep(0.1)
        assert sockets(secured) > quiet + CONNECTIONS // 2, "they do hang on it"
    assert len(displaced) <= answered // 10, displaced
    print(f"{answered} answers, {len(displaced)} at another try")
    wait_until(lambda: sockets(secured) <= quiet, timeout=20, what="as few sockets as before")


def test_a_client_is_closed_for_its_slowness_alone_within_the_limits_of_time(hung):
    """Nobody else needs its place."""
    where = urlsplit(hung.url)
    for sent in (b"", b"GET / HTTP/1.1\r\nHo"):
        with socket.create_connection((where.hostname, where.port), timeout=20) as client:
            began = time.monotonic()
            client.sendall(sent)
            assert client.recv(1) == b""
            assert 4 < time.monotonic() - began < 15, "HttpLimits::request"


NONSENSE = {
    "nothing but zeros": b"\0" * 10_000,
    "noise": bytes(range(256)) * 100,
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 505,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /metrics\r\n\r\n",
    "PostgreSQL's startup": b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
    "line feeds only": b"GET /metrics HTTP/1.1\nHost: x\n\n\r\n\r\n",
    "no method": b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 5_000 + b"\r\n",
    "an unending header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000,
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a header without colon": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    "a zero byte in the target": b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a large body": b"POST /-/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n" + b"b" * 100_000,
    "a negative length": b"POST /-/pause HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    "chunks without end": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"c" * 1024 + b"\r\n" + b"400\r\n" + b"c" * 20_000,
    "no chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a chunk's size without end": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 50_000,
    "another host's proxy": b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a wrong method": b"BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path out of the tree": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a request": b"GET /metrics HTTP/1.1\r\nHost: x\r\n",
}


def answer_to(where, nonsense):
    """All that comes until the daemon closes; empty: it closed without a word."""
    with socket.create_connection((where.hostname, where.port), timeout=10) as client:
        try:
            client.sendall(nonsense)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has closed already
        received = b""
        try:
            while piece := client.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def test_malformed_requests_are_answered_4xx_or_closed_and_the_daemon_lives_on(daemon, app_name):
    running = daemon([rule("none", app_name)])
    where, quiet = urlsplit(running.url), sockets(running)
    for what, nonsense in NONSENSE.items():
        received = answer_to(where, nonsense)
        statuses = re.findall(rb"(?:^|\n)HTTP/1\.[01] (\d{3})", received)
        assert all(status[:1] == b"4" or status == b"501" for status in statuses), (what, statuses)
        assert not received or statuses, (what, received)
        assert b"nosniff" in received or not received, what
        # What the next client gets is not touched.
        assert running.get("/-/healthy") == (200, "pghangd is healthy.\n"), what
    assert running.process.poll() is None
    wait_until(lambda: sockets(running) <= quiet, timeout=20, what="as few sockets as before")
