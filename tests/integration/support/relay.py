"""A TCP relay, from a loopback port of ours to a port in another network namespace: a server on another host."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from .waiting import wait_until

# In the namespace: from a UNIX socket, which all network namespaces see by its path, to a TCP port.
INSIDE = """
import socket, sys, threading
def copy(source, sink):
    while chunk := source.recv(65536):
        sink.sendall(chunk)
    sink.shutdown(socket.SHUT_WR)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    for pair in ((near, far), (far, near)):
        threading.Thread(target=copy, args=pair, daemon=True).start()
"""


class Relay:
    """`prefix`: of a command that runs in the other network namespace. `port`: ours, while it is entered. Counts the bytes of
    both directions in `sent` (to the server) and `received`."""

    def __init__(self, port, prefix=()):
        self.folder = tempfile.mkdtemp(prefix="pghangd-relay-", dir="/tmp")
        self.middle = os.path.join(self.folder, "middle")
        self.command = [*prefix, sys.executable, "-c", INSIDE, self.middle, str(port)]
        self.sent = self.received = 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, cwd="/")
        wait_until(lambda: os.path.exists(self.middle), what="the relay's far end listens")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.middle)
            threading.Thread(target=self._copy, args=(near, far, "sent"), daemon=True).start()
            threading.Thread(target=self._copy, args=(far, near, "received"), daemon=True).start()

    def _copy(self, source, sink, counter):
        try:
            while chunk := source.recv(65536):
                setattr(self, counter, getattr(self, counter) + len(chunk))
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
