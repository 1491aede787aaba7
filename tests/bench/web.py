"""How long /metrics with 1,000 series takes while polls and captures run, beside postgres_exporter's, by wrk."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import memory
from support.cluster import Session, release_fifo, remove_folder
from support.daemon import Daemon, rule
from support.slow_clients import SlowClients
from support.waiting import wait_until
from table import aligned, markdown, ratio, time

SERIES = 1000
TARGETS = 6  # some 180 series each
CONNECTIONS = 2  # a pair of Prometheus servers that stand in for each other
PAUSE = 50  # ms on average between an answer and the next request on its connection: some 40 scrapes a second, where a pair makes one in 7 s
SLOW_CLIENTS = 200
SLOW_SETTLED = 1  # seconds, until those that do not read have made the daemon answer what the kernel takes
SLOW_SECONDS = 3  # then the daemon closes the first of them
WRK = "wrk"
SCRIPT = Path(__file__).with_name("scrapes.lua")


@dataclass(frozen=True)
class Scrapes:
    """By wrk. Microseconds."""

    what: str
    n: int
    p50: int
    p99: int
    longest: int
    failed: int
    body: int  # bytes as sent


@dataclass
class Web:
    series: int = 0
    polls: float = 0.0  # a second, meanwhile
    captures: float = 0.0
    scrapes: list = field(default_factory=list)

    def circumstances(self):
        return (
            f"/metrics with {self.series:,} series, {self.polls:.0f} polls and {self.captures:.1f} captures a second meanwhile; "
            f"{CONNECTIONS} connections, {PAUSE} ms between answer and next request"
        )

    def text(self):
        return [self.circumstances(), *aligned(HEAD, self.cells()), ""]

    def for_readme(self):
        return [f"{self.circumstances()}:", "", *markdown(HEAD, self.cells())]

    def cells(self):
        base = self.scrapes[0]
        return [
            (
                one.what, time(one.p50), ratio(one.p50, base.p50), time(one.p99), ratio(one.p99, base.p99), time(one.longest),
                f"{one.body / 1024:.0f} kB", str(one.failed), str(one.n),
            )
            for one in self.scrapes
        ]


HEAD = ("scrape", "p50", "x", "p99", "x", "longest", "body", "failed", "n")


def missing():
    return [f"{tool} (package {package})" for tool, package in ((WRK, "wrk"), (memory.EXPORTER, memory.EXPORTER)) if not shutil.which(tool)]


def can_measure():
    return shutil.which(WRK) is not None


def scrape(what, url, seconds, header="Accept-Encoding: identity"):
    """`seconds` of scrapes; a handful of connections that pause between them, as Prometheus and its like: none waits for
    another one's answer."""
    command = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-H", header, "-s", SCRIPT, url]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PGHANG_PAUSE": str(PAUSE)})
    found = json.loads(re.search(r"^scrapes (.*)$", ran.stdout, re.MULTILINE)[1])
    return Scrapes(what, **found)


def configuration(cluster):
    """The first target has the hang; the others watch the same server for nothing."""
    dsn = json.dumps(cluster.dsn("pghangd"))
    targets = "".join(f"  - name: more-{number}\n    dsn: {dsn}\n    mode: observe\n    rules: []\n" for number in range(TARGETS - 1))
    return (
        f"mode: enforce\npolling: {{interval: 200ms}}\nsampling: {{repeat: 500ms}}\ntargets:\n  - name: main\n    dsn: {dsn}\n{targets}"
        f"rules:\n{rule('bench', 'bench-web', grace='500ms')}\n"
    )


@contextmanager
def busy_daemon(cluster, binaries, hangs=3):
    """Polls its targets five times a second each, and captures unresponsive backends again and again."""
    with ExitStack() as undo:
        # setup.sql allows what one daemon with one target needs.
        cluster.sql("ALTER ROLE pghangd CONNECTION LIMIT -1")
        undo.callback(cluster.sql, "ALTER ROLE pghangd CONNECTION LIMIT 3")
        daemon = Daemon(binaries, "/tmp", cluster.dsn("pghangd"), [])
        undo.callback(remove_folder, daemon.folder)
        daemon.config.write_text(configuration(cluster))
        undo.callback(daemon.stop)
        daemon.start().wait_ready()
        for number in range(hangs):
            fifo = cluster.fifo(f"web-{number}")
            session = Session(cluster, "bench-web")
            undo.callback(session.wait)
            undo.callback(release_fifo, fifo)
            session.start(f"COPY t FROM '{fifo}'")
            daemon.wait_incident(session.pid, diagnosed=True, timeout=30)
        yield daemon


def series_of(daemon):
    """Samples of one scrape."""
    return sum(1 for line in daemon.get("/metrics")[1].splitlines() if line and not line.startswith("#"))


def measure(cluster, binaries, seconds, say):
    web = Web()
    with busy_daemon(cluster, binaries) as daemon:
        web.series = series_of(daemon)
        assert web.series >= SERIES, web.series
        polls, captures = (lambda name=name: daemon.metric(name) for name in ("pghangd_polls_total", "pghangd_captures_total"))
        before = polls(), captures()
        url = daemon.url + "/metrics"
        say("scrapes")
        web.scrapes.append(scrape("pghangd", url, seconds))
        web.scrapes.append(scrape("pghangd, gzip", url, seconds, "Accept-Encoding: gzip"))
        web.polls, web.captures = ((now() - then) / (2 * seconds) for now, then in zip((polls, captures), before))
        say(f"scrapes, {SLOW_CLIENTS} slow clients on the socket")
        with SlowClients(daemon.url, SLOW_CLIENTS, again=False):
            sleep(SLOW_SETTLED)
            web.scrapes.append(scrape(f"pghangd, {SLOW_CLIENTS} slow clients", url, min(seconds, SLOW_SECONDS)))
        if shutil.which(memory.EXPORTER):
            say("postgres_exporter's scrapes")
            with memory.exporter(cluster):
                wait_until(memory.scrape, what="postgres_exporter answers")
                web.scrapes.append(scrape("postgres_exporter", f"http://127.0.0.1:{memory.PORT}/metrics", seconds))
    return web
