"""Everything that pghangd says to a server, to a real server of each other major release: the poll, both signals, a refusal,
the question who waits for whom, and the flags in the backend's memory. PGHANG_SERVERS: what scripts/other-servers fetched."""

import os
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest
from support.cluster import ROOT, Session, remove_folder
from support.daemon import rule
from support.poll_statement import agrees, backends_of_many_kinds
from support.waiting import wait_until

MAJORS = (10, 11, 12, 13, 14, 16, 17, 18)
SERVERS = os.environ.get("PGHANG_SERVERS")


class OtherServer:
    """A server of another release. It has what a Session needs of a Cluster."""

    def __init__(self, folder):
        self.bin = Path(folder) / "bin"
        self.folder = Path(tempfile.mkdtemp(prefix="pghangd-major-", dir="/tmp"))
        self.folder.chmod(0o755)

    def run(self, *command):
        prefix = []
        if os.geteuid() == 0:
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        env = {**os.environ, "LD_LIBRARY_PATH": str(self.bin.parent / "lib"), "LC_ALL": "C"}
        subprocess.run([*prefix, *command], check=True, cwd="/", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def start(self):
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres", self.folder], check=True)
        self.run(self.bin / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        options = f"-c unix_socket_directories={self.folder} -c listen_addresses= -c max_prepared_transactions=2"
        self.run(self.bin / "pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o", options, "start")
        subprocess.run(["psql", "-q", "-d", self.dsn("postgres"), "-f", ROOT / "config/setup.sql"], check=True)
        self.sql("CREATE ROLE app LOGIN")
        self.sql("CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
        self.sql("CREATE TABLE public.queue (line int)")
        self.sql("GRANT ALL ON public.queue TO app")
        return self

    def stop(self):
        self.run(self.bin / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        remove_folder(self.folder)

    def dsn(self, user, **more):
        parts = {"host": self.folder, "dbname": "postgres", "user": user, **more}
        return " ".join(f"{key}={value}" for key, value in parts.items())

    def sql(self, text):
        connection = psycopg2.connect(self.dsn("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


@pytest.fixture(scope="module", params=MAJORS)
def server(request):
    if not SERVERS:
        pytest.skip("PGHANG_SERVERS is not set: scripts/other-servers FOLDER fetches servers of the other majors")
    if not (Path(SERVERS) / str(request.param) / "bin/postgres").exists():
        pytest.skip(f"no PostgreSQL {request.param} in {SERVERS}")
    one = OtherServer(Path(SERVERS) / str(request.param))
    one.major = request.param
    one.start()
    yield one
    one.stop()


def test_poll_cancel_terminate_and_their_outcomes(server, daemon, app_name):
    rules = [rule("stuck", app_name, query_age="2s"), rule("idle", app_name, state="idle in transaction", query_age=None, state_age="2s")]
    pghangd = daemon(rules, dsn=server.dsn("pghangd"), extra="polling:\n  interval: 2s")
    # Meanwhile it reads the server's modules.
    running, idle = Session(server, app_name), Session(server, app_name)
    idle.execute("BEGIN")
    running.start("SELECT pg_sleep(60)")
    incident = pghangd.wait_incident(running.pid, outcome="cancelled")
    running.wait()
    (cancel,) = incident["signals"]
    assert 0 < cancel["seen_seconds"] <= cancel["serviced_seconds"] <= cancel["gone_seconds"] < 1.9, cancel
    pghangd.wait_incident(idle.pid, outcome="terminated")
    status = pghangd.json("/api/v1/status")["targets"][0]
    assert status["server"]["version_num"] // 10000 == server.major
    assert status["local_process"] is True and status["error"] is None
    assert pghangd.metric("pghangd_polls_total") == pghangd.metric("pghangd_polls_total", result="success")
    running.close()
    idle.close()


def test_who_waits_for_whom(server, daemon, app_name):
    holder = Session(server, "holder")
    for statement in ("BEGIN", "LOCK TABLE public.queue", "PREPARE TRANSACTION 'left'"):
        holder.execute(statement)
    waiter = Session(server, app_name).start("TABLE public.queue")
    try:
        pghangd = daemon([rule("waits", app_name, action="observe")], dsn=server.dsn("pghangd"))
        incident = wait_until(lambda: (i := pghangd.incident(waiter.pid)) and i["wait_graph"] and i["diagnosis"] and i, what="a wait graph")
        assert incident["wait_graph"]["root"] == "prepared:left", incident["wait_graph"]
        assert incident["diagnosis"]["verdict"]["cause"] == "not_stuck"
        assert incident["diagnosis"]["interrupts"]["proc_die_pending"] == 0
        assert pghangd.metric("pghangd_lock_statements_total", result="success") >= 1
        assert not pghangd.events("lock_statement_failed")
    finally:
        server.sql("ROLLBACK PREPARED 'left'")
    waiter.wait()
    waiter.close()
    holder.close()


def test_a_refusal_says_what_is_missing(server, daemon, app_name):
    stuck = Session(server, app_name).start("SELECT pg_sleep(2)")
    pghangd = daemon([rule("stuck", app_name)], dsn=server.dsn("watcher"))
    line = wait_until(lambda: pghangd.events("signal_not_accepted", pid=stuck.pid, answer="refused"), what="a refusal")[0]
    print(line)
    assert "pg_signal_backend" in line, line
    stuck.wait()
    assert stuck.error is None
    stuck.close()


def test_the_polls_statement_says_what_the_view_says(server):
    with backends_of_many_kinds(server, server.major) as kinds:
        rows = agrees(server, "pghangd", idle=True, auxiliary=True)
    assert kinds <= {(row[2], row[7]) for row in rows.values()}, kinds - {(row[2], row[7]) for row in rows.values()}
