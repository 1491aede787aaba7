"""Who is spared, and what stops signals that are due: each reason on a real server, in log, metrics, page, API and plan."""

import os
import shutil
import socket as socketlib
import tempfile
import time

import psycopg2
import psycopg2.extras
import pytest
from support.cluster import Cluster
from support.daemon import rule
from support.waiting import wait_until


def suppressed(pghangd, reason):
    return pghangd.metric("pghangd_actions_suppressed_total", reason=reason)


def signals(pghangd, kind="cancel"):
    return pghangd.metric("pghangd_signals_total", signal=kind, outcome="accepted")


def backend(pghangd, pid):
    """What the API says of one backend that a rule watches."""
    return next((b for b in pghangd.json("/api/v1/backends")["backends"] if b["activity"]["pid"] == pid), None)


def wait_suppressed(pghangd, pid, reason):
    return wait_until(lambda: (b := backend(pghangd, pid)) and b["suppressed"] == reason and b, what=f"{pid} not signalled: {reason}")


def told_once(pghangd, pid, reason):
    """However many polls later. The log has a thread of its own and may come later than the API."""
    wait_until(lambda: pghangd.events("not_signalled", pid=pid, reason=reason))
    time.sleep(1)
    assert len(pghangd.events("not_signalled", pid=pid, reason=reason)) == 1, pghangd.log()


@pytest.fixture
def plan(pghangd):
    """What `pghangd plan` says with the configuration of a running daemon."""

    def run(daemon):
        out = pghangd("plan", "--config.file", daemon.config)
        assert out.returncode == 0, out.stderr
        return out.stdout

    return run


@pytest.fixture
def systemd_folders():
    """systemd's RUNTIME_DIRECTORY and STATE_DIRECTORY, of the user that the daemons run as."""
    top = tempfile.mkdtemp(prefix="pghangd-systemd-", dir="/tmp")
    os.chmod(top, 0o755)
    made = {}
    for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY"):
        path = os.path.join(top, name.lower())
        os.mkdir(path, 0o755)
        if os.geteuid() == 0:
            shutil.chown(path, "nobody", "nogroup")
        made[name] = path
    yield made
    shutil.rmtree(top, ignore_errors=True)


def test_what_the_protect_list_names_is_spared_and_says_by_which_entry(cluster, session, daemon, plan, app_name):
    cluster.sql("GRANT CREATE ON SCHEMA public TO app; ALTER TABLE t OWNER TO app")
    holder = session()
    holder.connection.autocommit = False
    holder.execute("INSERT INTO t VALUES ('held')")
    index = session()
    index.start("/* nightly */ CREATE INDEX CONCURRENTLY spared ON t (line)").active()
    dump = session(application_name="pg_dump")
    dump.start("SELECT pg_sleep(8)").active()
    pghangd = daemon([rule("stuck", [app_name, "pg_dump"], backend_type="client backend")])
    try:
        for one, entry in ((index, "concurrent-index"), (dump, "pg_dump")):
            seen = wait_suppressed(pghangd, one.pid, "protected")
            assert (seen["exemption"], seen["protected_by"]) == ("protected", entry)
            told_once(pghangd, one.pid, "protected")
            assert pghangd.events("not_signalled", pid=one.pid, protected_by=entry)
            assert f"signalled: protected by {entry}" in pghangd.get("/")[1]
            assert f"exempt (protected by {entry}): no signal" in plan(pghangd)
        assert suppressed(pghangd, "protected") == 2
    finally:
        holder.connection.rollback()
    index.wait()
    dump.wait()
    assert index.error is None and dump.error is None
    assert cluster.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'spared'::regclass") == [(True,)]
    cluster.sql("DROP INDEX spared")
    assert signals(pghangd) == 0 and signals(pghangd, "terminate") == 0


def test_our_own_name_and_a_commit_that_waits_for_a_standby_are_spared(cluster, session, daemon, plan, app_name):
    ours = session(application_name="pghangd")
    ours.start("SELECT pg_sleep(6)").active()
    cluster.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    cluster.sql("SELECT pg_reload_conf()")
    commit = session()
    try:
        wait_until(lambda: cluster.sql("SHOW synchronous_standby_names") == [("nobody",)])
        commit.start("INSERT INTO t VALUES ('waits')").active()
        pghangd = daemon([rule("stuck", [app_name, "pghangd"], wait_event=None)])
        for one, reason in ((ours, "own_session"), (commit, "sync_rep")):
            wait_suppressed(pghangd, one.pid, reason)
            told_once(pghangd, one.pid, reason)
            assert suppressed(pghangd, reason) == 1
            assert f"exempt ({reason}): no signal" in plan(pghangd)
    finally:
        cluster.sql("ALTER SYSTEM RESET synchronous_standby_names")
        cluster.sql("SELECT pg_reload_conf()")
    commit.wait()
    ours.wait()
    assert commit.error is None and ours.error is None


def test_processes_that_are_no_client_are_spared(cluster, session, daemon, plan, app_name):
    leader = session()
    leader.execute("SET force_parallel_mode = on")
    leader.start("SELECT pg_sleep(6)").active()
    receiver = psycopg2.connect(
        cluster.dsn("postgres", application_name=app_name), connection_factory=psycopg2.extras.PhysicalReplicationConnection
    )
    start = cluster.sql("SELECT pg_current_wal_lsn()")[0][0]
    receiver.cursor().start_replication(start_lsn=start)
    sender = cluster.sql(f"SELECT pid FROM pg_stat_replication WHERE application_name = '{app_name}'")[0][0]
    try:
        worker = wait_until(lambda: cluster.sql(f"SELECT pid FROM pg_stat_activity WHERE leader_pid = {leader.pid} AND pid <> {leader.pid}"))[0][0]
        types = ["parallel worker", "walsender"]
        pghangd = daemon([rule("stuck", app_name, backend_type=types, query_age=None)])
        for pid, reason in ((worker, "parallel_worker"), (sender, "replication")):
            wait_suppressed(pghangd, pid, reason)
            told_once(pghangd, pid, reason)
            assert suppressed(pghangd, reason) == 1
            assert f"exempt ({reason}): no signal" in plan(pghangd)
    finally:
        receiver.close()
    leader.wait()
    assert leader.error is None


@pytest.fixture
def slow_autovacuum():
    """A server where autovacuum of one table takes minutes: a page in 100 ms. Returns its worker once it does that."""
    server = Cluster(["autovacuum_freeze_max_age = 100000", "autovacuum_naptime = 1s"])

    def worker(why, options):
        options += "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
        server.sql(f"CREATE TABLE slow WITH ({options}) AS SELECT repeat('x', 1000) AS line FROM generate_series(1, 9000)")
        if why == "wraparound":
            server.sql("DO $$ BEGIN FOR i IN 1..101000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
        end = r" \(to prevent wraparound\)$" if why == "wraparound" else "$"
        query = f"SELECT pid, backend_start, query_start FROM pg_stat_activity WHERE query ~ '^autovacuum: VACUUM .*public.slow{end}'"
        wait_until(lambda: server.sql(query), timeout=60, what="autovacuum comes to the table")
        return lambda: server.sql(query)

    try:
        server.start()
        yield server, worker
    finally:
        server.stop()


@pytest.mark.parametrize(
    "reason, options, types",
    [
        # Autovacuum that the table switches off comes against wraparound all the same.
        ("wraparound", "autovacuum_enabled = off, ", "autovacuum worker"),
        ("not_client", "", {"exclude": ["client backend"]}),
    ],
)
def test_autovacuum_is_spared_and_says_why(slow_autovacuum, daemon, plan, reason, options, types):
    server, start_worker = slow_autovacuum
    worker = start_worker(reason, options)
    ((pid, *_),) = before = worker()
    pghangd = daemon([rule("stuck", None, backend_type=types)], dsn=server.dsn("pghangd"))
    wait_suppressed(pghangd, pid, reason)
    told_once(pghangd, pid, reason)
    assert suppressed(pghangd, reason) >= 1
    assert f"exempt ({reason}): no signal" in plan(pghangd)
    assert not pghangd.metric("pghangd_signals_total"), pghangd.log()
    assert worker() == before, "it goes on with the same table"


def test_the_budget_of_a_minute_lets_the_second_wait_until_there_is_room(session, daemon, plan, app_name):
    first, second = session(), session()
    first.start("SELECT pg_sleep(30)").active()
    second.start("SELECT pg_sleep(30)").active()
    rules = [rule("stuck", app_name)]
    budget = "budget: {actions_per_minute: %d, actions_per_hour: %d, share_percent: 100, unresponsive: 100}"
    pghangd = daemon(rules, mode="observe", extra=budget % (1, 100))
    wait_until(lambda: "at once 1 of 2 signals (budget_minute)" in plan(pghangd))
    pghangd.configure(rules, extra=budget % (1, 100))
    pghangd.reload()
    wait_until(lambda: suppressed(pghangd, "budget_minute") == 1)
    waiting = wait_until(lambda: next((s for s in (first, second) if (b := backend(pghangd, s.pid)) and b["suppressed"] == "budget_minute"), None))
    told_once(pghangd, waiting.pid, "budget_minute")
    assert signals(pghangd) == 1
    assert suppressed(pghangd, "budget_minute") == 1
    assert "not signalled: budget_minute" in pghangd.get("/")[1]
    pghangd.configure(rules, extra=budget % (100, 1))
    pghangd.reload()
    wait_suppressed(pghangd, waiting.pid, "budget_hour")
    told_once(pghangd, waiting.pid, "budget_hour")
    pghangd.configure(rules, extra=budget % (100, 100))
    pghangd.reload()
    pghangd.wait_incident(waiting.pid, outcome="cancelled")
    for one in (first, second):
        one.wait()
        assert one.error.pgcode == "57014"


def test_the_share_of_sessions_lets_the_second_wait_until_the_first_is_over(session, daemon, app_name):
    one, two = session(), session()
    one.start("SELECT ignore_cancel(30)").active()
    two.start("SELECT ignore_cancel(30)").active()
    extra = "budget: {actions_per_minute: 100, actions_per_hour: 100, share_percent: 1, unresponsive: 100}"
    pghangd = daemon([rule("stuck", app_name)], extra=extra)
    wait_until(lambda: suppressed(pghangd, "budget_share") == 1)
    ends = [pghangd.wait_incident(s.pid, outcome="terminated") for s in (one, two)]
    ends.sort(key=lambda incident: incident["resolved_at"])
    cancelled = next(entry["at"] for entry in ends[1]["timeline"] if entry["stage"] == "cancel_sent")
    assert cancelled >= ends[0]["resolved_at"], "both were signalled at once"
    one.wait(), two.wait()


def test_while_one_is_unresponsive_nobody_else_is_signalled(session, daemon, app_name):
    hung, other = session(), session()
    hung.start("SELECT py_sleep(7)").active()
    extra = "budget: {actions_per_minute: 100, actions_per_hour: 100, share_percent: 100, unresponsive: 1}"
    pghangd = daemon([rule("stuck", app_name)], extra=extra)
    pghangd.wait_incident(hung.pid, stage="unresponsive")
    other.start("SELECT pg_sleep(30)").active()
    wait_suppressed(pghangd, other.pid, "budget_unresponsive")
    told_once(pghangd, other.pid, "budget_unresponsive")
    pghangd.wait_incident(hung.pid, outcome="self_resolved")
    pghangd.wait_incident(other.pid, outcome="cancelled")
    hung.wait(), other.wait()


BREAKER = "breaker: {jump: 3, jump_percent: 1, window: 10min, quiet: %s}"


def test_a_rule_that_suddenly_matches_many_signals_nobody_until_its_breaker_is_reset(session, daemon, plan, app_name):
    crowd = [session() for _ in range(5)]
    for one in crowd:
        one.start("SELECT pg_sleep(60)").active()
    time.sleep(0.5)  # all of them are old enough for the rule in its first poll
    pghangd = daemon([rule("stuck", app_name)], extra=BREAKER % "1h")
    wait_until(lambda: suppressed(pghangd, "breaker_open") == 5)
    assert pghangd.metric("pghangd_breaker_open", rule="stuck") == 1
    assert "the breaker of rule stuck would open" in plan(pghangd)
    assert "breaker open</b>: rule stuck" in pghangd.get("/")[1]
    assert pghangd.json("/api/v1/status")["targets"][0]["breakers"] == [{"rule": "stuck", "open": True, "matches": 5}]
    told_once(pghangd, crowd[0].pid, "breaker_open")
    assert len(pghangd.events("breaker_opened", rule="stuck", matches=5)) == 1
    assert signals(pghangd) == 0
    assert pghangd.post("/-/breaker/reset?rule=other") == (200, "no breaker was open\n")
    assert pghangd.post("/-/breaker/reset?rule=stuck") == (200, "closed: stuck on main\n")
    for one in crowd:
        pghangd.wait_incident(one.pid, outcome="cancelled")
        one.wait()
    assert pghangd.metric("pghangd_breaker_open", rule="stuck") == 0
    wait_until(lambda: pghangd.events("breaker_closed", rule="stuck", why="reset"))


def test_a_breaker_closes_by_itself_when_it_gets_no_worse(session, daemon, app_name):
    crowd = [session() for _ in range(5)]
    for one in crowd:
        one.start("SELECT pg_sleep(60)").active()
    time.sleep(0.5)
    pghangd = daemon([rule("stuck", app_name)], extra=BREAKER % "2s")
    wait_until(lambda: suppressed(pghangd, "breaker_open") == 5)
    assert signals(pghangd) == 0
    for one in crowd:
        pghangd.wait_incident(one.pid, outcome="cancelled")
        one.wait()
    wait_until(lambda: len(pghangd.events("breaker_closed", rule="stuck")) == 1)


def test_a_pause_stops_every_signal_and_survives_the_daemons_death(session, daemon, pghangd, systemd_folders, app_name):
    socket = systemd_folders["RUNTIME_DIRECTORY"] + "/control.sock"
    running = daemon([rule("stuck", app_name)], env=systemd_folders)
    out = pghangd("pause", "1h", "--reason", "disk swap & tests", "--control.socket", socket)
    assert out.returncode == 0, out.stderr
    assert out.stdout.startswith("paused for 1h, until 20")
    stuck = session()
    stuck.start("SELECT pg_sleep(60)").active()

    def is_paused():
        wait_suppressed(running, stuck.pid, "paused")
        assert running.metric("pghangd_paused") == 1
        status = running.json("/api/v1/status")["pause"]
        assert status["paused"] and status["reason"] == "disk swap & tests" and status["by"].startswith("uid "), status
        page = running.get("/")[1]
        assert "paused</b> (sends no signal) until <time" in page and "disk swap &amp; tests" in page

    is_paused()
    told_once(running, stuck.pid, "paused")
    assert running.events("paused", restored="false")
    running.kill()
    running.restart()  # replaces the socket that the dead one left
    is_paused()
    assert signals(running) == 0
    wait_until(lambda: running.events("paused", restored="true"))
    out = pghangd("resume", "--control.socket", socket)
    assert (out.returncode, out.stdout) == (0, "resumed\n"), out.stderr
    running.wait_incident(stuck.pid, outcome="cancelled")
    stuck.wait()
    assert running.metric("pghangd_paused") == 0
    assert not os.path.exists(systemd_folders["STATE_DIRECTORY"] + "/pause")
    assert pghangd("resume", "--control.socket", socket).stdout == "was not paused\n"


def test_a_pause_ends_by_itself(session, daemon, systemd_folders, app_name):
    running = daemon([rule("stuck", app_name)], env=systemd_folders)
    assert running.post("/-/pause?for=3s")[0] == 200
    stuck = session()
    stuck.start("SELECT pg_sleep(60)").active()
    wait_suppressed(running, stuck.pid, "paused")
    running.wait_incident(stuck.pid, outcome="cancelled")
    stuck.wait()
    assert running.metric("pghangd_paused") == 0


def test_a_damaged_pause_file_pauses_until_somebody_resumes(session, daemon, systemd_folders, app_name):
    path = systemd_folders["STATE_DIRECTORY"] + "/pause"
    with open(path, "w") as file:
        file.write("pghangd pause 1\nsin")
    os.chmod(path, 0o644)
    stuck = session()
    stuck.start("SELECT pg_sleep(60)").active()
    running = daemon([rule("stuck", app_name)], env=systemd_folders)
    wait_suppressed(running, stuck.pid, "paused")
    pause = running.json("/api/v1/status")["pause"]
    assert pause["until"] is None and "until somebody resumes" in pause["reason"]
    assert running.post("/-/resume") == (200, "resumed\n")
    running.wait_incident(stuck.pid, outcome="cancelled")
    stuck.wait()


def test_a_pause_that_cannot_be_kept_says_so(daemon, pghangd, systemd_folders, app_name):
    socket = systemd_folders["RUNTIME_DIRECTORY"] + "/control.sock"
    running = daemon([rule("stuck", app_name)], env={"RUNTIME_DIRECTORY": systemd_folders["RUNTIME_DIRECTORY"]})
    out = pghangd("pause", "1h", "--control.socket", socket)
    assert out.returncode == 1
    assert "NOT kept over a restart: STATE_DIRECTORY is not set" in out.stdout
    assert running.metric("pghangd_paused") == 1
    wait_until(lambda: running.events("pause_not_saved"))


def test_the_pause_command_says_what_is_wrong(pghangd, systemd_folders):
    socket = systemd_folders["RUNTIME_DIRECTORY"] + "/control.sock"
    for arguments, code, words in (
        (("pause", "1h"), 2, "no control socket at"),
        (("resume",), 2, "pghangd does not run"),
        (("pause", "soon"), 64, "pause: "),
        (("pause", "99d"), 64, "1s to 30d"),
    ):
        out = pghangd(*arguments, "--control.socket", socket)
        assert out.returncode == code and words in out.stderr, (arguments, out)
    left = socketlib.socket(socketlib.AF_UNIX)
    left.bind(socket)
    os.chmod(socket, 0o777)
    left.close()
    out = pghangd("pause", "1h", "--control.socket", socket)
    assert out.returncode == 2 and "has ended" in out.stderr, out
    os.chmod(socket, 0o600)
    if os.geteuid() == 0:
        out = pghangd("pause", "1h", "--control.socket", socket, capabilities=())
        assert out.returncode == 77 and "may not use" in out.stderr, out


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_of_two_daemons_one_signals_and_the_other_says_that_it_observes(cluster, session, daemon, plan, app_name, database):
    """An advisory lock belongs to one database; the daemons may connect to two."""
    first = daemon([rule("stuck", app_name)])
    wait_until(lambda: first.metric("pghangd_enforcing") == 1)
    second = daemon([rule("stuck", app_name)], dsn=cluster.dsn("pghangd", dbname=database))
    assert second.metric("pghangd_enforcing") == 0
    stuck = session()
    stuck.start("SELECT ignore_cancel(60)").active()
    wait_suppressed(second, stuck.pid, "other_daemon")
    told_once(second, stuck.pid, "other_daemon")
    assert len(second.events("other_daemon")) == 1, second.log()
    assert "another pghangd signals here, pid " in second.get("/")[1]
    assert second.json("/api/v1/status")["targets"][0]["other_daemon"].startswith("pid ")
    assert "only observe (other_daemon)" in plan(second)
    first.wait_incident(stuck.pid, outcome="terminated")
    assert signals(first) == 1 and signals(second) == 0
    stuck.wait()
    first.kill()
    again = session()
    again.start("SELECT pg_sleep(60)").active()
    second.wait_incident(again.pid, outcome="cancelled")
    assert second.metric("pghangd_enforcing") == 1
    again.wait()


def test_an_observing_daemon_leaves_the_lock_to_others(cluster, session, daemon, app_name):
    observing = daemon([rule("stuck", app_name)], mode="observe")
    enforcing = daemon([rule("stuck", app_name)])
    wait_until(lambda: enforcing.metric("pghangd_enforcing") == 1)
    assert not observing.events("other_daemon")
    enforcing.configure([rule("stuck", app_name)], mode="observe")
    enforcing.reload()
    wait_until(lambda: enforcing.metric("pghangd_enforcing") == 0)
    assert cluster.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1885825121") == [(0,)]
