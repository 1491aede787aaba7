"""Who waits for whom, as an incident shows it: locks across sessions, and roots without a process."""

import pytest
from support.cluster import release_fifo
from support.daemon import rule
from support.waiting import wait_until

WAITER = "pghangd-test-waiter"


def wait_graph(daemon, pid, root=None, waiters=None):
    """The graph of a backend's incident once it has that root and that many wait behind it."""

    def probe():
        incident = daemon.incident(pid)
        graph = incident and incident["wait_graph"]
        if not graph or (root and graph["root"] != root):
            return None
        if waiters is not None and node(graph, graph["root"])["waiters"] != waiters:
            return None
        return graph

    return wait_until(probe, what=f"wait graph of {pid} with root {root} and {waiters} waiters")


def node(graph, node_id):
    return next((n for n in graph["nodes"] if n["id"] == node_id), None)


def edges(graph):
    return {(edge["from"], edge["to"]): edge for edge in graph["edges"]}


@pytest.fixture
def prepared_transactions(cluster):
    """Rolls back what a test leaves prepared: it would lock its tables for good."""
    yield
    for (gid,) in cluster.sql("SELECT gid FROM pg_prepared_xacts"):
        cluster.sql("ROLLBACK PREPARED '" + gid.replace("'", "''") + "'")


def test_backends_behind_an_unresponsive_one_are_in_its_incident_and_in_the_metric(cluster, session, daemon, app_name):
    fifo = cluster.fifo("waits-fifo")
    stuck = session().start(f"COPY t FROM '{fifo}'").active()
    truncate = session(application_name=WAITER).start("TRUNCATE t").active()
    readers = [session(application_name=WAITER).start("SELECT count(*) FROM t").active() for _ in range(2)]
    pghangd = daemon([rule("stuck", app_name)])
    try:
        pghangd.wait_incident(stuck.pid, stage="unresponsive", diagnosed=True)
        graph = wait_graph(pghangd, stuck.pid, root=f"pid:{stuck.pid}", waiters=3)
        assert graph["summary"].startswith(f"3 backends wait behind pid {stuck.pid}, which waits in openat"), graph["summary"]
        assert graph["cycle"] == [] and graph["dropped"] == 0
        assert node(graph, f"pid:{stuck.pid}")["kind"] == "backend"
        wait_until(lambda: node(pghangd.incident(stuck.pid)["wait_graph"], f"pid:{stuck.pid}")["unresponsive"])
        lock = edges(graph)[(f"pid:{truncate.pid}", f"pid:{stuck.pid}")]
        assert lock["kind"] == "lock"
        assert lock["detail"] == "AccessExclusiveLock on relation public.t"
        for reader in readers:
            assert (f"pid:{reader.pid}", f"pid:{truncate.pid}") in edges(graph), "behind the TRUNCATE in the queue"
        assert [step["step"] for step in graph["release"]], "of the COPY's own verdict"
        wait_until(lambda: pghangd.metric("pghangd_blocked_backends", target="main") == 3, what="blocked_backends")
        assert pghangd.metric("pghangd_lock_statements_total", target="main", result="success") > 0

        incident = pghangd.incident(stuck.pid)
        assert incident["diagnosis"]["wait_graph"] == incident["wait_graph"]
        report = pghangd.get(f"/api/v1/incidents/{incident['id']}?format=text")[1]
        assert f"Who waits for whom\n3 backends wait behind pid {stuck.pid}" in report, report
        assert f"└─ pid {truncate.pid} (client backend app@postgres): lock, AccessExclusiveLock on" in report, report
    finally:
        release_fifo(fifo)
    for one in (stuck, truncate, *readers):
        one.wait()
    wait_until(lambda: pghangd.metric("pghangd_blocked_backends", target="main") == 0, what="nobody is blocked")


def test_waiters_are_told_of_the_idle_transaction_at_the_root(session, daemon, app_name):
    idle = session(application_name=WAITER)
    idle.execute("BEGIN")
    idle.execute("LOCK TABLE t")
    waiters = [session().start("SELECT count(*) FROM t").active() for _ in range(2)]
    pghangd = daemon([rule("waiting", app_name, action="observe")])
    try:
        graph = wait_graph(pghangd, waiters[0].pid, root=f"pid:{idle.pid}", waiters=2)
        assert graph["summary"].startswith(f"2 backends wait behind pid {idle.pid}, which is idle in transaction since ")
        assert graph["release"][0]["step"] == f"SELECT pg_terminate_backend({idle.pid});"
        assert graph["release"][0]["price"]
        assert pghangd.metric("pghangd_blocked_backends", target="main") == 0, "nobody is unresponsive"
    finally:
        idle.execute("ROLLBACK")
    for waiter in waiters:
        waiter.wait()


def test_a_prepared_transaction_is_a_root_without_a_process(cluster, session, daemon, app_name, prepared_transactions):
    coordinator = session(application_name=WAITER)
    for statement in ("BEGIN", "LOCK TABLE t", "PREPARE TRANSACTION 'order 42'"):
        coordinator.execute(statement)
    waiter = session().start("SELECT count(*) FROM t").active()
    pghangd = daemon([rule("waiting", app_name, action="observe")])
    graph = wait_graph(pghangd, waiter.pid, root="prepared:order 42", waiters=1)
    root = node(graph, graph["root"])
    assert (root["kind"], root["pid"]) == ("prepared_transaction", None)
    assert graph["summary"] == "1 backend waits behind prepared transaction 'order 42' (no process): ROLLBACK PREPARED 'order 42'."
    assert graph["release"][0]["step"] == "In database postgres, as app or a superuser: ROLLBACK PREPARED 'order 42';"
    cluster.sql("ROLLBACK PREPARED 'order 42'")
    waiter.wait()
