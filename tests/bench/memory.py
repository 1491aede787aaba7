"""Memory of a real daemon with its sampler after incidents, of a sampler after many captures, and of postgres_exporter."""

import os
import shutil
import subprocess
import tempfile
import urllib.request
from contextlib import contextmanager

from support.cluster import Session, release_fifo, remove_folder
from support.daemon import Daemon, rule
from support.waiting import wait_until
from support.warm_sampler import Request, pss

EXPORTER = "prometheus-postgres-exporter"
PORT = 19187
INCIDENTS = 5


def of_daemon(cluster, binaries):
    """{process name: kilobytes (PSS)} once the daemon has captured and explained some unresponsive backends."""
    fifos = [cluster.fifo(f"bench-{number}") for number in range(INCIDENTS)]
    daemon = Daemon(binaries, "/tmp", cluster.dsn("pghangd"), [rule("bench", "bench-memory", grace="500ms")])
    sessions = []
    try:
        daemon.start().wait_ready()
        for fifo in fifos:
            sessions.append(Session(cluster, "bench-memory").start(f"COPY t FROM '{fifo}'"))
        for session in sessions:
            daemon.wait_incident(session.pid, diagnosed=True, timeout=30)
        daemon.get("/metrics")
        return {"daemon": pss(daemon.process.pid), "sampler": sum(pss(pid) for pid in daemon.family())}
    finally:
        for fifo in fifos:
            release_fifo(fifo)
        for session in sessions:
            session.wait()
        daemon.stop()
        remove_folder(daemon.folder)


def of_sampler(sampler, pids, marks):
    """[(captures so far, kilobytes)]. Backends are looked at in turn, as the daemon does but for the time between samples."""
    found, done = [], 0
    for mark in marks:
        while done < mark:
            step = min(100, mark - done)
            sampler.captures(pids[done // 100 % len(pids)], step, Request(samples=1))
            done += step
        found.append((done, sampler.memory()))
    return found


def of_exporter(cluster):
    """Kilobytes (PSS) of postgres_exporter after some scrapes; None where it is not installed."""
    if not shutil.which(EXPORTER):
        return None
    with exporter(cluster) as process:
        for _ in range(5):
            wait_until(scrape, what="postgres_exporter answers")
        return pss(process.pid)


@contextmanager
def exporter(cluster):
    environment = {**os.environ, "DATA_SOURCE_NAME": cluster.dsn("postgres") + " sslmode=disable"}
    command = [EXPORTER, f"--web.listen-address=127.0.0.1:{PORT}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def scrape():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as answer:
            return b"pg_up 1" in answer.read()
    except OSError:
        return False
