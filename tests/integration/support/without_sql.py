"""A private server that SQL can be taken away from, and a pghangd that watches it."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager

import psycopg2

from . import process
from .cluster import ROOT, Cluster, Session, remove_folder
from .daemon import UNIT_CAPABILITIES, Daemon
from .waiting import wait_until

POLLING = "polling: {interval: 200ms, statement_timeout: 500ms, connect_timeout: 1s, reconnect_max: 500ms}\n"


class Stage:
    """Ends whatever it started, and lets go whatever it stopped."""

    def __init__(self, binaries, conf=()):
        self.binaries = binaries
        self.conf = conf
        self.stopped = []
        self.sessions = []
        self.daemons = []
        self.own = None
        self.postmaster = None
        self.postmaster_killed = False

    def open(self):
        self.own = Cluster(list(self.conf)).start()
        return self

    def close(self):
        for pid in self.stopped:
            process.cont(pid)
        for one in self.daemons:
            one.stop()
            print(one.log())
            remove_folder(one.folder)
        for one in self.sessions:
            one.close()
        segment = self.shared_memory()
        for pid in self.left_behind():
            os.kill(pid, signal.SIGKILL)  # of this cluster alone: its postmaster was killed by the test
        subprocess.run([ROOT / "scripts/cluster", "stop", "--immediate", self.own.settings["DIR"]], check=False, capture_output=True)
        if self.postmaster_killed:
            subprocess.run(["ipcrm", "-m", segment], capture_output=True)
            remove_folder(self.own.settings["DIR"])

    def shared_memory(self):
        """Id of the System V segment that only a postmaster removes."""
        return (self.own.data / "postmaster.pid").read_text().splitlines()[6].split()[1]

    def left_behind(self):
        """The sessions of this stage that lost their postmaster."""
        return [one.pid for one in self.sessions if process.alive(one.pid) and process.parent(one.pid) != self.postmaster] if self.postmaster_killed else []

    def session(self, application_name, **more):
        self.sessions.append(Session(self.own, application_name, **more))
        return self.sessions[-1]

    def daemon(self, rules, extra="", user="pghangd", dsn=None, capabilities=UNIT_CAPABILITIES, mode="enforce"):
        one = Daemon(
            self.binaries, "/tmp", dsn or self.own.dsn(user), rules, mode=mode, extra=POLLING + extra, capabilities=capabilities
        )
        self.daemons.append(one)
        return one.start().wait_ready()

    def stop_process(self, pid):
        self.stopped.append(pid)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: process.state(pid) == "T", what=f"{pid} is stopped")

    def go_on(self):
        for pid in self.stopped:
            process.cont(pid)
        self.stopped = []

    def backend_of(self, daemon_name="pghangd"):
        rows = self.own.sql(f"SELECT pid FROM pg_stat_activity WHERE application_name = '{daemon_name}'")
        return rows[0][0] if rows else None

    def take_sql_away(self):
        """Nobody can connect, and pghangd's connection is gone."""
        backend = self.backend_of()
        self.postmaster = self.own.postmaster
        self.stop_process(self.postmaster)
        os.kill(backend, signal.SIGTERM)

    def exhaust(self, application_name):
        """Takes every slot that is not reserved."""
        try:
            while True:
                self.session(application_name + "-filler")
        except psycopg2.OperationalError as error:
            return str(error)

    def kill_postmaster(self):
        self.postmaster = self.own.postmaster
        self.postmaster_killed = True
        os.kill(self.postmaster, signal.SIGKILL)


@contextmanager
def stage(binaries, conf=()):
    one = Stage(binaries, conf).open()
    try:
        yield one
    finally:
        one.close()


def is_down(daemon, result):
    """up is 0, the kind is counted, and the metrics come quickly meanwhile."""
    wait_until(lambda: daemon.metric("pghangd_up", target="main") == 0, timeout=20, what="down")
    wait_until(lambda: (daemon.metric("pghangd_polls_total", target="main", result=result) or 0) > 0, timeout=20, what=result)
    answers_quickly(daemon)
    assert daemon.metric("pghangd_up", target="main") == 0


def answers_quickly(daemon, rounds=20, limit=0.5):
    slowest = 0.0
    for _ in range(rounds):
        started = time.monotonic()
        assert daemon.get("/metrics")[0] == 200
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.05)
    print(f"slowest of {rounds} scrapes without SQL: {slowest * 1000:.1f} ms")
    assert slowest < limit


def is_up(daemon):
    wait_until(lambda: daemon.metric("pghangd_up", target="main") == 1, timeout=30, what="up")


def target(daemon):
    return daemon.json("/api/v1/status")["targets"][0]


def os_incident(daemon, rule, timeout=20, diagnosed=True):
    """The one incident that a look at the processes raised for this reason."""

    def probe():
        found = [one for one in daemon.json("/api/v1/incidents")["incidents"] if one["rule"] == rule and one["source"] == "os"]
        if not found:
            return None
        whole = daemon.json(f"/api/v1/incidents/{found[0]['id']}")
        return whole if whole["diagnosis"] or not diagnosed else None

    return wait_until(probe, timeout, f"incident {rule} of source os")
