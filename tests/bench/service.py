"""What the daemon itself uses of an idle server's machine, and how long after its threshold a statement is signalled."""

import random
import time
from pathlib import Path

from support.cluster import Session, remove_folder
from support.daemon import Daemon, rule
from support.waiting import wait_until

AGE = 1.0
INTERVAL = 0.5


def cpu_seconds(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def idle_share(cluster, binaries, seconds):
    """Of one core, by daemon, keeper and worker together, with a poll every 5 s."""
    daemon = Daemon(binaries, "/tmp", cluster.dsn("pghangd"), [rule("bench", "nobody")], extra="polling:\n  interval: 5s")
    try:
        daemon.start().wait_ready()
        time.sleep(5)  # the worker reads the server's modules once
        pids = [daemon.process.pid, *daemon.family()]
        before = sum(map(cpu_seconds, pids))
        time.sleep(seconds)
        return (sum(map(cpu_seconds, pids)) - before) / seconds
    finally:
        daemon.stop()
        remove_folder(daemon.folder)


def threshold_to_signal(cluster, binaries, tries):
    """Seconds from a statement's coming of age to its client's being told of the cancel, each at another moment between two
    polls."""
    wanted = rule("bench", "bench-latency", action="cancel", query_age=f"{int(AGE * 1000)}ms")
    daemon = Daemon(binaries, "/tmp", cluster.dsn("pghangd"), [wanted], extra=f"polling:\n  interval: {int(INTERVAL * 1000)}ms")
    late = []
    try:
        daemon.start().wait_ready()
        for _ in range(tries):
            session = Session(cluster, "bench-latency")
            time.sleep(random.uniform(0, INTERVAL))
            began = time.monotonic()
            session.start("SELECT pg_sleep(30)")
            wait_until(lambda: not session.thread.is_alive(), every=0.001, what="cancelled")
            late.append(time.monotonic() - began - AGE)
            session.close()
        return late
    finally:
        daemon.stop()
        remove_folder(daemon.folder)
