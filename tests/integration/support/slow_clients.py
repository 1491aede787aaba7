"""Clients that hang on a daemon's port: some say nothing, some send a byte of a header now and then, some do not read."""

import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

EVERY = 0.5  # seconds between two bytes
TICK = 0.05
AGAIN = 10  # that come again in a tick
KINDS = ("silent", "dribbling", "deaf")
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
DEAF_REQUESTS = 200  # pipelined: their answers are more than the kernel's buffers take
TLS_HELLO = b"\x16\x03\x01\x02\x00"  # the beginning of a handshake that never goes on


class SlowClients:
    """So many of them while it is entered. `again`: whoever is closed comes again, as one who means harm. `tls`: the silent ones hang in the middle of a handshake."""

    def __init__(self, url, count, again=True, tls=False):
        where = urlsplit(url)
        self.address = where.hostname, where.port
        self.count = count
        self.again = again
        self.tls = tls
        self.closed = 0  # times that the daemon closed one
        self.waiting = []  # kinds of those that come again
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.selector = selectors.DefaultSelector()
        for number in range(self.count):
            self.connect(KINDS[number % len(KINDS)])
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def connect(self, kind):
        client = socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
        if kind == "deaf":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(5)
        client.connect(self.address)
        client.setblocking(False)
        self.selector.register(client, selectors.EVENT_READ, kind)
        if kind == "deaf":
            self.send(client, REQUEST * DEAF_REQUESTS)
            # There is something to read all the time; whether it was closed is seen when it sends.
            self.selector.modify(client, selectors.EVENT_WRITE, kind)
        elif kind == "silent" and self.tls:
            self.send(client, TLS_HELLO)

    @staticmethod
    def send(client, data):
        """False: the connection is over."""
        try:
            client.send(data)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def lost(self, key):
        self.closed += 1
        self.selector.unregister(key.fileobj)
        key.fileobj.close()
        if self.again:
            self.waiting.append(key.data)

    def look(self, key):
        """What the daemon sends is not read but for its end."""
        if key.data == "deaf":
            return self.send(key.fileobj, b"x") or self.lost(key)
        try:
            if not key.fileobj.recv(4096):
                self.lost(key)
        except OSError:
            self.lost(key)
        return None

    def run(self):
        due = time.monotonic()
        while not self.ending.wait(TICK):
            again, self.waiting = self.waiting[:AGAIN], self.waiting[AGAIN:]
            for kind in again:
                self.connect(kind)
            for key, _ in self.selector.select(0):
                self.look(key)
            if time.monotonic() < due:
                continue
            due = time.monotonic() + EVERY
            for key in list(self.selector.get_map().values()):
                if key.data == "dribbling" and not self.send(key.fileobj, REQUEST[:1]):
                    self.lost(key)
