"""A backend that notes each signal it receives, with the time, and obeys none."""

import signal
from pathlib import Path

from .waiting import wait_until

FUNCTION = """
CREATE OR REPLACE FUNCTION public.count_signals(counts text, release text) RETURNS void LANGUAGE plpython3u
SECURITY DEFINER AS $$
import ctypes, os, signal, time
libc = ctypes.CDLL(None)
libc.signal.restype = ctypes.c_void_p
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
file = os.open(counts, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
before = {number: libc.signal(number, None) for number in (2, 15)}
for number in before:
    signal.signal(number, lambda number, frame: os.write(file, f"{number} {time.monotonic()}\\n".encode()))
os.write(file, b"ready\\n")
while not os.path.exists(release):
    time.sleep(0.01)
for number, handler in before.items():
    libc.signal(number, handler)
$$;
"""


class SignalCounter:
    """`SELECT count_signals(...)` in a session of its own."""

    def __init__(self, cluster, session, name):
        cluster.sql(FUNCTION)
        self.counts = Path(cluster.folder) / f"{name}-counts"
        self.free = Path(cluster.folder) / f"{name}-release"
        for left in (self.counts, self.free):
            left.unlink(missing_ok=True)
        self.session = session
        self.pid = session.pid
        session.start(f"SELECT count_signals('{self.counts}', '{self.free}')")
        wait_until(lambda: self.counts.exists() and "ready" in self.counts.read_text(), what="the backend counts")

    def times(self, number):
        """When (CLOCK_MONOTONIC) it received this signal."""
        lines = self.counts.read_text().splitlines()
        return [float(line.split()[1]) for line in lines if line.startswith(f"{int(number)} ")]

    @property
    def cancels(self):
        return self.times(signal.SIGINT)

    @property
    def terminates(self):
        return self.times(signal.SIGTERM)

    def release(self):
        self.free.touch()
        self.session.wait()
        self.session.close()
