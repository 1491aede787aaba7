"""How many cancels hit the statement after the one they were meant for: with pghangd's guard and with plain
pg_cancel_backend(), at the worst moment, in one run."""

import random
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

import psycopg2
from support.daemon import BUILD

FIRST = 0.010  # seconds that the judged statement takes
NEXT = 0.011  # seconds that the innocent one takes; sent with it, so that it starts at once
STEP = 20e-6  # the moment of the signal follows the end of the first statement, for each method by itself
JITTER = 150e-6
PLAIN = "plain pg_cancel_backend()"
GUARDED = "pghangd's guard"
BY_VIEW = "the same guard over the view pg_stat_activity"
CANCELED = "57014"


@dataclass
class Tries:
    method: str
    n: int = 0
    accepted: int = 0  # the server said t
    judged: int = 0  # cancelled: the statement it was meant for
    innocent: int = 0  # cancelled: the next one


class Victim:
    """A session that is sent two statements at once: the server goes from one to the next as fast as it can, as it does
    behind a pooler. Speaks the protocol itself (simple queries)."""

    def __init__(self, settings):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{settings['PGHOST']}/.s.PGSQL.{settings['PGPORT']}")
        start_up = struct.pack("!I", 196608) + b"user\0app\0database\0postgres\0application_name\0victim\0\0"
        self.socket.sendall(struct.pack("!I", len(start_up) + 4) + start_up)
        self.buffer = b""
        self.pid = None
        for kind, body in self.messages():
            if kind == b"K":
                self.pid = struct.unpack("!II", body)[0]
            if kind == b"Z":
                break

    def messages(self):
        while True:
            while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack("!I", self.buffer[1:5])[0]:
                self.buffer += self.socket.recv(65536)
            length = 1 + struct.unpack("!I", self.buffer[1:5])[0]
            message, self.buffer = self.buffer[:length], self.buffer[length:]
            yield message[:1], message[5:]

    def send_both(self):
        packets = b""
        for seconds in (FIRST, NEXT):
            text = f"SELECT pg_catalog.pg_sleep({seconds})".encode() + b"\0"
            packets += b"Q" + struct.pack("!I", len(text) + 4) + text
        self.socket.sendall(packets)

    def results(self):
        """Of both: whether it was cancelled."""
        found, cancelled = [], False
        for kind, body in self.messages():
            if kind == b"E":
                cancelled = CANCELED.encode() in body
            if kind == b"Z":
                found.append(cancelled)
                cancelled = False
            if len(found) == 2:
                return found

    def close(self):
        self.socket.close()


class Attacker:
    """pghangd's side: the poll, then one of the ways to cancel."""

    def __init__(self, cluster, guard):
        self.connection = psycopg2.connect(cluster.dsn("pghangd"))
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        types = "(int4, timestamptz, timestamptz, bool, timestamptz, bool, timestamptz, text)"
        by_view = guard.replace("pg_catalog.pg_stat_get_activity($1)", "pg_catalog.pg_stat_activity")
        assert by_view != guard
        self.cursor.execute(f"PREPARE guarded {types} AS {guard}")
        self.cursor.execute(f"PREPARE by_view {types} AS {by_view}")

    def poll(self, pid):
        """The statement that is judged; None where the machine was too slow to see it run."""
        self.cursor.execute(
            "SELECT backend_start::text, xact_start::text, query_start::text, state FROM pg_stat_get_activity(%s)"
            " WHERE state = 'active' AND xact_start IS NOT NULL AND query LIKE %s", (pid, f"%pg_sleep({FIRST})%")
        )
        return self.cursor.fetchone()

    def order(self, method, pid, row):
        backend_start, xact_start, query_start, state = row
        if method == PLAIN:
            return f"SELECT pg_catalog.pg_cancel_backend({pid})"
        name = "guarded" if method == GUARDED else "by_view"
        return f"EXECUTE {name} ({pid}, '{backend_start}', '{xact_start}', true, '{query_start}', false, NULL, '{state}')"

    def send(self, order):
        self.cursor.execute(order)
        row = self.cursor.fetchone()
        return bool(row and row[0])


def spin_until(moment):
    left = moment - time.monotonic()
    if left > 0.001:
        time.sleep(left - 0.001)
    while time.monotonic() < moment:
        pass


def measure(cluster, rounds):
    """The methods in turn, each aimed by itself: half of its signals miss the first statement, so a slow one is sent earlier. With
    one aim for all, plain came in time with 1,000 connections, for it was sent when the others had to be."""
    guard = subprocess.run([BUILD / "tests/bench/signal_sql"], check=True, capture_output=True, text=True).stdout.strip()
    victim, attacker = Victim(cluster.settings), Attacker(cluster, guard)
    tries = {method: Tries(method) for method in (PLAIN, GUARDED, BY_VIEW)}
    offsets = dict.fromkeys(tries, 0.0)
    try:
        for number in range(rounds * len(tries)):
            method = list(tries)[number % len(tries)]
            began = time.monotonic()
            victim.send_both()
            outcome = []
            reader = threading.Thread(target=lambda: outcome.extend(victim.results()))
            reader.start()
            spin_until(began + FIRST / 4)
            row = attacker.poll(victim.pid)
            if row is None:
                reader.join()
                continue
            order = attacker.order(method, victim.pid, row)
            spin_until(began + FIRST + offsets[method] + random.uniform(-JITTER, JITTER))
            accepted = attacker.send(order)
            reader.join()
            judged, innocent = outcome
            one = tries[method]
            one.n += 1
            one.accepted += accepted
            one.judged += judged
            one.innocent += innocent
            offsets[method] += STEP if judged else -STEP
        return list(tries.values())
    finally:
        victim.close()
        attacker.connection.close()
