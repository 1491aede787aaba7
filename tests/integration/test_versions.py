"""What is known of each major release, against the real server that is installed here."""

import json
import re
import subprocess

import pytest
from support.cluster import ROOT
from support.waiting import wait_until


@pytest.fixture(scope="module")
def executable(cluster):
    return f"{cluster.settings['BINDIR']}/postgres"


@pytest.fixture
def diagnose(binaries):
    def run(pid):
        answer = subprocess.run(
            [binaries / "pghangd", "diagnose", "--json", "--samples", "1", str(pid)],
            capture_output=True, text=True, timeout=30, cwd="/", stdin=subprocess.DEVNULL,
        )
        assert answer.returncode in (0, 1), answer.stderr
        return json.loads(answer.stdout)

    return run


def test_the_tables_of_this_major_are_what_the_server_says(executable):
    check = subprocess.run([ROOT / "scripts/record-server", "--check", executable], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr
    assert re.search(r": 2\d\d wait events, 1\d backend types", check.stdout), check.stdout


def test_every_name_of_its_table_is_in_the_executable(cluster, executable):
    major = cluster.sql("SHOW server_version_num")[0][0][:2]
    names = re.findall(r'"([^"]+)"', (ROOT / f"diagnosis/wait_events_{major}.inc").read_text())
    strings = set(open(executable, "rb").read().split(b"\0"))
    assert len(names) > 200
    # A string that is the end of another shares its bytes.
    joined = b"\0".join(strings) + b"\0"
    assert [name for name in names if name.encode() + b"\0" not in joined] == []


def test_without_a_connection_the_version_is_the_executables(cluster, session, diagnose):
    server = diagnose(session().pid)["server"]
    assert server["version"] == cluster.sql("SHOW server_version")[0][0].split()[0]


def told(cluster, pid):
    """What the server says of it, as `Type/Event`; and its backend type."""
    query = f"SELECT wait_event_type || '/' || wait_event, backend_type FROM pg_stat_activity WHERE pid = {pid}"
    return (cluster.sql(query) or [(None, None)])[0]


def assert_agree(cluster, diagnose, pid, expected=None):
    """The same before and after our look, so that it is the same moment for both."""

    def agreed():
        before = told(cluster, pid)
        seen = diagnose(pid)
        if before != told(cluster, pid) or before[0] is None:
            return None
        return before, (seen["interrupts"]["wait_event"], seen["backend"]["type"])

    said, seen = wait_until(agreed, what=f"a wait of {pid} that lasts")
    assert seen == said
    if expected:
        assert seen[0] == expected


def test_waits_of_every_process_of_the_server_are_named_as_it_names_them(cluster, diagnose):
    # Those that stay: a client of the test before may be on its way out.
    pids = [pid for pid, in cluster.sql(
        "SELECT pid FROM pg_stat_activity WHERE wait_event IS NOT NULL"
        " AND backend_type NOT IN ('client backend', 'autovacuum worker', 'parallel worker')"
    )]
    assert len(pids) >= 5
    for pid in pids:
        assert_agree(cluster, diagnose, pid)


def test_waits_of_backends_are_named_as_the_server_names_them(cluster, session, diagnose):
    idle = session()
    idle.execute("SELECT 1")
    assert_agree(cluster, diagnose, idle.pid, "Client/ClientRead")

    sleeper = session().start("SELECT pg_sleep(20)")
    assert_agree(cluster, diagnose, sleeper.pid, "Timeout/PgSleep")

    holder = session()
    holder.connection.autocommit = False
    holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_advisory_lock(77)")
    for statement, expected in (
        ("SELECT count(*) FROM t", "Lock/relation"),
        ("SELECT pg_advisory_lock(77)", "Lock/advisory"),
    ):
        waiter = session().start(statement)
        assert_agree(cluster, diagnose, waiter.pid, expected)
    holder.connection.rollback()
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()")
    holder.close()


def test_a_commit_that_waits_for_a_standby_waits_in_ipc(cluster, session, diagnose):
    cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    cluster.sql("SELECT pg_reload_conf()")
    try:
        waiter = session()
        waiter.start("SET synchronous_commit = on; CREATE TEMP TABLE mine AS SELECT 1; SELECT txid_current()")
        assert_agree(cluster, diagnose, waiter.pid, "IPC/SyncRep")
    finally:
        cluster.sql("ALTER SYSTEM RESET synchronous_standby_names")
        cluster.sql("SELECT pg_reload_conf()")
    waiter.wait()
