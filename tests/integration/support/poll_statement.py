"""The statement that pghangd polls with, beside the view pg_stat_activity on the same server."""

import subprocess
from contextlib import ExitStack, closing, contextmanager

import psycopg2
from psycopg2.extras import PhysicalReplicationConnection
from support.cluster import Session
from support.daemon import BUILD
from support.waiting import wait_until

MOST_BYTES = 40  # of a query's text
OF_SERVER = 5  # columns that are about the server

# The poll's columns in its order, each as the view has it. {leader_pid} and {query_id} are NULL where there are none yet.
BY_VIEW = """
SELECT a.pid, a.backend_start, a.backend_type, a.datname, a.usename, a.application_name, host(a.client_addr), a.state,
       a.wait_event_type, a.wait_event, {leader_pid}, a.xact_start, a.query_start, a.state_change,
       substring(textsend(a.query), 1, %s), r.rolsuper, a.client_port, age(a.backend_xmin), {query_id}
  FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.pid <> pg_backend_pid()
"""


def statement(version_num):
    return subprocess.run([BUILD / "tests/bench/poll_sql", str(version_num)], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def backends_of_many_kinds(server, major):
    """Yields what the view has to show: (backend_type, state) of each."""
    with ExitStack() as stack:
        session = lambda name, **more: stack.enter_context(closing(Session(server, name, **more)))
        session("never-asked-anything")
        session("idle").execute("SELECT 42 AS answer, 'a text that is longer than what is asked for'")
        session("in-transaction").execute("BEGIN; SELECT txid_current()")
        aborted = session("aborted")
        aborted.execute("BEGIN")
        try:
            aborted.execute("SELECT 1/0")
        except psycopg2.Error:
            pass
        session("disabled", user="postgres", options="'-c track_activities=off'").execute("SELECT 1")
        session("elsewhere", dbname="template1").execute("SELECT 2")
        prepared = session("prepared")
        prepared.execute("BEGIN; LOCK TABLE pg_description IN ACCESS SHARE MODE; PREPARE TRANSACTION 'of many kinds'")
        stack.callback(server.sql, "ROLLBACK PREPARED 'of many kinds'")
        server.sql("CREATE ROLE fleeting LOGIN")
        session("its-role-is-gone", user="fleeting").execute("SELECT 3")
        server.sql("DROP ROLE fleeting")
        walsender = psycopg2.connect(server.dsn("postgres", application_name="walsender"), connection_factory=PhysicalReplicationConnection)
        stack.enter_context(closing(walsender))
        (position,), = server.sql("SELECT pg_current_wal_lsn()")
        walsender.cursor().start_replication(start_lsn=position)
        forced = "debug_parallel_query" if major >= 16 else "force_parallel_mode"
        for name, options in (("active", None), ("parallel", f"'-c {forced}=on'")):
            running = Session(server, name, user="postgres", **({"options": options} if options else {})).start("SELECT pg_sleep(600)").active()
            stack.callback(ended, server, running)
        worker = "parallel worker" if major >= 11 else "background worker"
        at_work = f"SELECT 1 FROM pg_stat_activity WHERE backend_type = '{worker}' AND state = 'active'"
        wait_until(lambda: server.sql(at_work), what="a parallel worker")
        yield {
            ("client backend", state)
            for state in ("idle", "idle in transaction", "idle in transaction (aborted)", "disabled", "active")
        } | {(worker, "active"), ("walsender", "active"), ("checkpointer", None), ("autovacuum launcher", None)}


def ended(server, running):
    server.sql(f"SELECT pg_terminate_backend({running.pid})")
    running.wait()
    running.close()


def both(server, user, idle, auxiliary):
    """(rows of the poll, rows of the view) by pid, and the counts by state of both: in one transaction, which keeps what it has
    seen of the sessions. Wait events are read as they are at the moment."""
    with closing(psycopg2.connect(server.dsn(user))) as connection, connection.cursor() as cursor:
        version = connection.server_version
        cursor.execute(f"PREPARE poll (bool, bool, int4) AS {statement(version)}")
        cursor.execute(f"EXECUTE poll ({idle}, {auxiliary}, {MOST_BYTES})")
        answer = cursor.fetchall()
        columns = {"leader_pid": "a.leader_pid" if version >= 130000 else "NULL", "query_id": "a.query_id" if version >= 140000 else "NULL"}
        cursor.execute(BY_VIEW.format(**columns), (MOST_BYTES,))
        view = by_pid(cursor.fetchall())
        wanted = {pid: row for pid, row in view.items() if (auxiliary if row[7] is None else idle if row[7] == "idle" else True)}
        states = [row[7] for row in view.values()]
        counts = dict(one.rsplit("=", 1) for one in answer[0][OF_SERVER - 1].split(","))
        return by_pid(row[OF_SERVER:] for row in answer), wanted, counts, {state or "": str(states.count(state)) for state in states}


def by_pid(rows):
    return {row[0]: tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows if row[0] is not None}


def agrees(server, user, idle, auxiliary):
    """Waits until nobody changes his wait event, or his transaction id, between the two; then asserts that they say the same."""
    for _ in range(20):
        rows, wanted, counts, states = both(server, user, idle, auxiliary)
        if rows == wanted:
            break
    assert rows == wanted, [(rows.get(pid), wanted.get(pid)) for pid in {*rows, *wanted} if rows.get(pid) != wanted.get(pid)]
    assert counts == states
    return rows
