"""What a poll costs a server with many connections, beside the view it is about, one scrape of postgres_exporter and one refresh
of pg_activity."""

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import time
import urllib.request

import psycopg2
from crowd import Account, relay_to
from support.cluster import remove_folder
from support.daemon import Daemon, rule
from support.waiting import wait_until

EXPORTER = "prometheus-postgres-exporter"
EXPORTER_PORT = 19188
PG_ACTIVITY = "pg_activity"
MISSING = {EXPORTER: "prometheus-postgres-exporter", PG_ACTIVITY: "pg-activity"}
VIEW = "SELECT * FROM pg_stat_activity"
INTERVAL = 0.2  # seconds
EVERY_POLL = f"polling:\n  interval: {INTERVAL * 1000:.0f}ms"


def missing():
    """The tools that are not installed, and so left out."""
    return [f"{tool} (package {package})" for tool, package in MISSING.items() if shutil.which(tool) is None]


def of_pghangd_and_view(cluster, binaries, seconds):
    """The daemon itself, over the relay, with a rule that looks at all and matches nobody; and as often, between its polls, what
    anybody asks who wants to see the same."""
    with relay_to(cluster) as relay, relay_to(cluster) as other_relay:
        dsn = cluster.dsn("pghangd", host="127.0.0.1", port=relay.port)
        daemon = Daemon(binaries, "/tmp", dsn, [rule("bench", "crowd", query_age="1h")], mode="observe", extra=EVERY_POLL)
        viewer = psycopg2.connect(cluster.dsn("viewer", host="127.0.0.1", port=other_relay.port))
        viewer.autocommit = True
        try:
            daemon.start().wait_ready()
            time.sleep(10 * INTERVAL)
            before = just_polled(daemon)
            account, other_account = Account(cluster, "pghangd", relay).start(), Account(cluster, "viewer", other_relay).start()
            until, views = time.monotonic() + seconds, 0
            while time.monotonic() < until:
                viewer.cursor().execute(VIEW)
                views += 1
                time.sleep(INTERVAL)
            return [account.cost("pghangd: one poll", just_polled(daemon) - before), other_account.cost(VIEW, views)]
        finally:
            viewer.close()
            daemon.stop()
            remove_folder(daemon.folder)


def just_polled(daemon):
    """The number of polls, right after one: none is under way then."""
    polls = lambda: daemon.metric("pghangd_polls_total", result="success")
    before = polls()
    return wait_until(lambda: (now := polls()) > before and now, every=0.002, what="a poll")


def of_exporter(cluster, scrapes):
    with relay_to(cluster) as relay:
        env = {
            **os.environ, "DATA_SOURCE_NAME": f"postgresql://exporter@127.0.0.1:{relay.port}/postgres?sslmode=disable",
            "PG_EXPORTER_WEB_LISTEN_ADDRESS": f"127.0.0.1:{EXPORTER_PORT}",
        }
        running = subprocess.Popen([EXPORTER], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(scrape, what="postgres_exporter answers")
            account = Account(cluster, "exporter", relay).start()
            for _ in range(scrapes):
                assert scrape()
            return account.cost("postgres_exporter: one scrape", scrapes)
        finally:
            running.kill()
            running.wait()


def scrape():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{EXPORTER_PORT}/metrics", timeout=30) as answer:
            return b"pg_up 1" in answer.read()
    except OSError:
        return False


def of_pg_activity(cluster, seconds):
    """It wants a terminal, and refreshes once a second; a refresh is each call of the statement that it calls most."""
    with relay_to(cluster) as relay:
        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        command = [PG_ACTIVITY, "-h", "127.0.0.1", "-p", str(relay.port), "-U", "onlooker", "-d", "postgres", "--refresh", "1"]
        running = subprocess.Popen(
            command, stdin=there, stdout=there, stderr=there, env={**os.environ, "TERM": "xterm"}, start_new_session=True
        )
        try:
            account = Account(cluster, "onlooker", relay)
            read_away(here, 3)
            account.start()
            read_away(here, seconds)
            refreshes = lambda statements: max(float(one[0]) for one in statements if "pg_stat_activity" in one[4])
            return account.cost("pg_activity: one refresh", refreshes)
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait()
            os.close(here)
            os.close(there)


def read_away(terminal, seconds):
    """What nobody reads would stop it."""
    os.set_blocking(terminal, False)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.read(terminal, 65536)
        except BlockingIOError:
            time.sleep(0.02)


def measure(cluster, binaries, seconds):
    costs = of_pghangd_and_view(cluster, binaries, seconds)
    if shutil.which(EXPORTER):
        costs.append(of_exporter(cluster, 10))
    if shutil.which(PG_ACTIVITY):
        costs.append(of_pg_activity(cluster, seconds))
    return costs
