"""Each criterion of the rule language on a real server: a backend that it matches, and one that it does not."""

import json
import os
import signal
import time

import pytest
from support import process
from support.cluster import release_fifo
from support.daemon import rule, stages
from support.waiting import wait_until


@pytest.fixture
def plan(pghangd, cluster, app_name):
    """What one poll makes of the sessions of this test, by pid. Criteria as in the file; rule keys by their names."""

    def run(criteria, mode="enforce", dsn=None, **keys):
        match = {"application_name": app_name, **criteria}
        one = {"name": "r", "action": "terminate", "match": match, **keys}
        config = cluster.folder / "plan.yaml"
        config.write_text(json.dumps({"mode": mode, "targets": [{"name": "main", "dsn": dsn or cluster.dsn("pghangd")}], "rules": [one]}))
        config.chmod(0o644)
        answer = pghangd("plan", "--json", "--config.file", config)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return {backend["pid"]: backend for backend in json.loads(answer.stdout)["targets"][0]["backends"]}

    return run


def matched(backends, session):
    return backends[session.pid]["rule"] == "r"


def criterion(backends, session):
    """The first one that does not hold."""
    assert backends[session.pid]["rule"] is None
    return backends[session.pid]["mismatches"][0]["criterion"]


def test_client_addr_tells_addresses_and_unix_sockets_apart(session, plan):
    local = session().start("SELECT pg_sleep(20)").active()
    remote = session(host="127.0.0.1").start("SELECT pg_sleep(20)").active()
    seen = plan({"client_addr": "local"})
    assert matched(seen, local)
    assert criterion(seen, remote) == "client_addr: 127.0.0.1, wanted local"
    seen = plan({"client_addr": ["127.0.0.0/8", "::1"]})
    assert matched(seen, remote)
    assert criterion(seen, local) == "client_addr: local, wanted 127.0.0.0/8 or ::1"
    seen = plan({"client_addr": {"exclude": ["127.0.0.0/8"]}})
    assert matched(seen, local) and not matched(seen, remote)


def test_query_is_held_against_the_masked_text(session, plan):
    sleeper = session().start("SELECT pg_sleep(20), 'hunter2'").active()
    other = session().start("SELECT 1 FROM pg_sleep(20)").active()
    seen = plan({"query": r"/^SELECT pg_sleep\(\?\), \?"})
    assert matched(seen, sleeper) and not matched(seen, other)
    assert criterion(seen, other).startswith("query: SELECT ? FROM pg_sleep(?), wanted ")
    assert criterion(plan({"query": "/hunter"}), sleeper) == "query: SELECT pg_sleep(?), ?, wanted /hunter"


def test_query_id_tells_statements_apart_and_null_never_matches(cluster, session, plan):
    with_id, without = session(user="postgres"), session(user="postgres")
    with_id.execute("SET compute_query_id = on")
    without.execute("SET compute_query_id = off")
    with_id.start("SELECT pg_sleep(20)").active()
    without.start("SELECT pg_sleep(20)").active()
    known = cluster.sql(f"SELECT query_id FROM pg_stat_activity WHERE pid = {with_id.pid}")[0][0]
    assert known
    seen = plan({"query_id": known})
    assert matched(seen, with_id) and criterion(seen, without) == f"query_id: NULL, wanted {known}"
    seen = plan({"query_id": known + 1})
    assert not matched(seen, with_id) and not matched(seen, without)


def test_xmin_age_over_counts_transactions_since_the_snapshot(cluster, session, plan):
    old, young = session(), session()
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    for _ in range(5):
        cluster.sql("SELECT txid_current()")
    young.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    young.execute("SELECT 1")
    seen = plan({"xmin_age_over": 3})
    assert matched(seen, old)
    assert criterion(seen, young).endswith("wanted more than 3")
    old.execute("ROLLBACK")
    young.execute("ROLLBACK")


def test_idle_in_transaction_is_short_for_state_and_state_age(session, plan):
    idle, busy = session(), session()
    idle.execute("BEGIN")
    busy.start("SELECT pg_sleep(20)").active()
    seen = wait_until(lambda: (s := plan({"idle_in_transaction": "300ms"})) and matched(s, idle) and s, what="idle for 300 ms")
    assert criterion(seen, busy) == "idle_in_transaction: active, wanted 300ms"
    assert seen[idle.pid]["signal"] == "terminate" and seen[idle.pid]["sent"]
    seen = plan({"idle_in_transaction": "1h"})
    assert criterion(seen, idle).endswith(", wanted 1h")
    idle.execute("ROLLBACK")


def test_in_recovery_is_the_servers(session, plan):
    sleeper = session().start("SELECT pg_sleep(20)").active()
    assert matched(plan({"in_recovery": False}), sleeper)
    assert criterion(plan({"in_recovery": True}), sleeper) == "in_recovery: false, wanted true"


def test_active_windows_are_by_the_clocks_of_their_zone(cluster, session, plan):
    sleeper = session().start("SELECT pg_sleep(20)").active()
    now = "(now() AT TIME ZONE 'Asia/Tokyo')"
    around, after = cluster.sql(
        f"SELECT to_char({now} - interval '30 min', 'HH24:MI-') || to_char({now} + interval '30 min', 'HH24:MI'),"
        f" to_char({now} + interval '1 h', 'HH24:MI-') || to_char({now} + interval '2 h', 'HH24:MI')"
    )[0]
    assert matched(plan({}, active=f"{around} Asia/Tokyo"), sleeper)
    assert criterion(plan({}, active=f"{after} Asia/Tokyo"), sleeper) == f"active: now is outside {after} Asia/Tokyo"
    assert matched(plan({}, active=[f"{after} Asia/Tokyo", f"{around} Asia/Tokyo"]), sleeper)


def test_blocking_at_least_counts_those_behind_a_lock(session, plan):
    holder = session()
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE t")
    waiters = [session().start("SELECT count(*) FROM t").active() for _ in range(2)]
    try:
        seen = wait_until(
            lambda: (s := plan({"blocking_at_least": 2})) and matched(s, holder) and s, what="two wait behind the holder"
        )
        assert all(criterion(seen, waiter) == "blocking_at_least: 0, wanted 2" for waiter in waiters)
        assert criterion(plan({"blocking_at_least": 3}), holder) == "blocking_at_least: 2, wanted 3"
    finally:
        holder.execute("ROLLBACK")
    for waiter in waiters:
        waiter.wait()


def test_victims_are_the_oldest_or_the_newest_of_each_group(session, plan):
    first, second = [session().start("SELECT pg_sleep(20)").active() for _ in range(2)]
    other = session(user="postgres").start("SELECT pg_sleep(20)").active()
    seen = plan({"user": ["app", "postgres"]}, victims="oldest", group_by="user")
    assert seen[first.pid]["signal"] == "cancel" and seen[first.pid]["spared_for"] is None
    assert seen[second.pid]["spared_for"] == first.pid and seen[second.pid]["signal"] is None
    assert seen[other.pid]["spared_for"] is None, "another group"
    seen = plan({"user": ["app", "postgres"]}, victims="newest", group_by=["user"])
    assert seen[first.pid]["spared_for"] == second.pid


def test_plan_names_the_exemption(session, plan):
    superuser = session(user="postgres").start("SELECT pg_sleep(20)").active()
    seen = plan({})
    assert (seen[superuser.pid]["rule"], seen[superuser.pid]["exemption"]) == ("r", "superuser")
    assert seen[superuser.pid]["signal"] is None


def test_the_daemon_asks_for_locks_where_a_rule_needs_them(session, daemon, app_name):
    holder, bystander = session(), session()
    bystander.execute("BEGIN")
    bystander.execute("SELECT 1")
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE t")
    pghangd = daemon([rule("blocker", app_name, state="idle in transaction", query_age=None, blocking_at_least=1)])
    time.sleep(0.6)
    assert pghangd.incident(holder.pid) is None, "nobody waits yet"
    waiter = session(application_name="pghangd-test-waiter").start("SELECT count(*) FROM t").active()
    pghangd.wait_incident(holder.pid, outcome="terminated")
    waiter.wait()
    assert waiter.error is None
    assert pghangd.incident(bystander.pid) is None and process.state(bystander.pid)
    bystander.execute("ROLLBACK")


def test_not_advancing_matches_who_stands_still_and_not_who_computes(cluster, session, daemon, app_name):
    fifo = cluster.fifo("rules-fifo")
    still = session().start(f"COPY t FROM '{fifo}'").active()
    busy = session().start("SELECT py_spin(8)").active()
    pghangd = daemon([rule("still", app_name, action="observe", not_advancing="1s")])
    try:
        incident = pghangd.wait_incident(still.pid, stage="matched", diagnosed=True)
        assert incident["rule"] == "still"
        assert pghangd.incident(busy.pid) is None
        assert process.state(busy.pid) == "R"
        process.assert_runs_free(busy.pid)
    finally:
        release_fifo(fifo)
    still.wait()
    fifo.unlink()
    busy.wait()


def test_terminate_ignored_for_tells_of_a_terminate_that_somebody_else_sent_in_mode_observe(cluster, session, daemon, app_name):
    fifo = cluster.fifo("rules-ignored-fifo")
    stuck = session().start(f"COPY t FROM '{fifo}'").active()
    other = session().start("SELECT pg_sleep(20)").active()
    pghangd = daemon(
        [rule("in-vain", app_name, action="observe", query_age=None, terminate_ignored_for="500ms")], mode="observe"
    )
    try:
        time.sleep(1)
        assert pghangd.incident(stuck.pid) is None, "nobody asked it to go"
        assert cluster.sql(f"SELECT pg_terminate_backend({stuck.pid})") == [(True,)]
        incident = pghangd.wait_incident(stuck.pid, diagnosed=True)
        assert incident["diagnosis"]["interrupts"]["proc_die_pending"] == 1
        pghangd.wait_incident(stuck.pid, stage="unresponsive")
        assert pghangd.incident(other.pid) is None
        assert not pghangd.metric("pghangd_signals_total"), "nothing is sent"
    finally:
        release_fifo(fifo)
    stuck.wait()
    fifo.unlink()


def test_a_stopped_backend_is_looked_at_and_left_stopped(session, daemon, app_name):
    stopped = session().start("SELECT pg_sleep(20)").active()
    os.kill(stopped.pid, signal.SIGSTOP)
    try:
        pghangd = daemon([rule("still", app_name, action="observe", not_advancing="500ms")])
        pghangd.wait_incident(stopped.pid, stage="matched", diagnosed=True)
        assert process.state(stopped.pid) == "T"
    finally:
        process.cont(stopped.pid)


def test_evidence_is_taken_before_a_cancel_ends_the_statement(session, daemon, app_name):
    sleeper = session().start("SELECT pg_sleep(30)").active()
    one = rule("captured", app_name) + "\n    capture: [before_cancel]"
    pghangd = daemon([one])
    incident = pghangd.wait_incident(sleeper.pid, outcome="cancelled")
    assert stages(incident) == ["matched", "cancel_sent", "resolved"]
    names = [frame["function"] for frame in incident["diagnosis"]["stack"]["frames"]]
    assert "pg_sleep" in names, "its stack as it was before the cancel"
    assert incident["diagnosis"]["interrupts"]["query_cancel_pending"] == 0
    sleeper.wait()


def test_no_evidence_is_taken_where_a_rule_wants_none(session, daemon, app_name):
    stubborn = session().start("SELECT ignore_cancel(30)").active()
    pghangd = daemon([rule("quiet", app_name) + "\n    capture: []"])
    incident = pghangd.wait_incident(stubborn.pid, outcome="terminated")
    assert incident["diagnosis"] is None
    stubborn.wait()


def test_check_config_names_rules_that_never_match_with_file_and_line(pghangd, cluster):
    path = cluster.folder / "rules.yaml"
    path.write_text(
        "rules:\n"
        "  - name: wide\n    match: {query_age: 1min}\n"
        "  - name: shadowed\n    match: {query_age: 1h, user: app}\n"
        "  - name: never\n    match: {state: active, idle_in_transaction: 1min}\n"
        "  - name: empty-window\n    match: {user: bob}\n    active: 10:00-10:00 UTC\n"
    )
    path.chmod(0o644)
    answer = pghangd("check-config", path)
    assert answer.returncode == 78
    for wanted in (
        f"{path}:7: rules[2].match.state: lets no state pass",
        f"{path}:10: rules[3].active: \"10:00-10:00 UTC\" ends when it begins",
    ):
        assert any(line.startswith(wanted) for line in answer.stdout.splitlines()), (wanted, answer.stdout)
    assert f"{path}:5: rules[1].match: never matches: whatever it asks for, rules[0] `wide` matches first" in answer.stdout


def test_check_config_warns_of_what_is_probably_not_meant_and_exits_0(pghangd, cluster):
    path = cluster.folder / "warned.yaml"
    path.write_text("rules:\n  - name: r\n    match: {user: bob}\n    group_by: [database]\n")
    path.chmod(0o644)
    answer = pghangd("check-config", path)
    assert answer.returncode == 0, answer.stdout
    assert f"{path}:4: rules[0].group_by: warning: has no effect: `victims` is all" in answer.stdout.splitlines()
