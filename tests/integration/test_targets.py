"""Several clusters in one daemon: each for itself, each with its own rules, and changed by a reload."""

import json
import os
import signal

import pytest
from support import process
from support.cluster import Cluster, Session, remove_folder
from support.daemon import Daemon, rule
from support.waiting import wait_until


@pytest.fixture(scope="module")
def other():
    """A second server on this host."""
    one = Cluster().start()
    yield one
    one.stop()


def target(name, dsn, mode=None, rules=None, budget=None):
    lines = [f"  - name: {name}", f"    dsn: {json.dumps(dsn)}"]
    lines += [f"    mode: {mode}"] if mode else []
    if rules is not None:
        lines += ["    rules:", *("    " + line for one in rules for line in one.splitlines())]
    lines += [f"    budget: {budget}"] if budget else []
    return "\n".join(lines)


@pytest.fixture
def several(binaries):
    """Starts a daemon over several targets; its configure() takes them."""
    started = []

    class Several(Daemon):
        def configure(self, rules, mode="enforce", extra=None):
            self.extra = self.extra if extra is None else extra
            targets = "\n".join(self.dsn)
            self.config.write_text(
                f"mode: {mode}\npolling: {{interval: 200ms, reconnect_max: 500ms, statement_timeout: 1s, connect_timeout: 1s}}\n"
                f"sampling: {{repeat: 500ms}}\ntargets:\n{targets}\nrules:\n" + "\n".join(rules) + f"\n{self.extra}\n"
            )
            self.config.chmod(0o644)

        def reload(self, targets, rules):
            self.dsn = targets
            before = len(self.events("reloaded"))
            self.configure(rules)
            self.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(self.events("reloaded")) > before, what="reloaded")

    def start(targets, rules, extra=""):
        one = Several(binaries, "/tmp", targets, rules, extra=extra)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()
        print(one.log())
        remove_folder(one.folder)


def status(pghangd, name):
    return next((one for one in pghangd.json("/api/v1/status")["targets"] if one["name"] == name), None)


def polls(pghangd, name):
    return pghangd.metric("pghangd_polls_total", target=name, result="success") or 0


def test_a_server_that_hangs_does_not_disturb_the_other(cluster, session, several, app_name):
    """One server's postmaster and backend are stopped; the other one's stuck statement is cancelled meanwhile."""
    hung = Cluster().start()
    stopped = []
    try:
        pghangd = several([target("hung", hung.dsn("pghangd")), target("well", cluster.dsn("pghangd"))], [rule("stuck", app_name)])
        pghangd.wait_ready()
        assert pghangd.metric("pghangd_up", target="hung") == pghangd.metric("pghangd_up", target="well") == 1
        backend = hung.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'pghangd'")[0][0]
        stopped = [hung.postmaster, backend]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: pghangd.metric("pghangd_up", target="hung") == 0, what="the hung one is down")
        before = polls(pghangd, "well")
        stuck = session().start("SELECT pg_sleep(60)")
        pghangd.wait_incident(stuck.pid, outcome="cancelled")
        stuck.wait()
        assert polls(pghangd, "well") > before
        assert pghangd.metric("pghangd_up", target="hung") == 0
        assert pghangd.metric("pghangd_up", target="well") == 1
        for pid in stopped:
            process.cont(pid)
        wait_until(lambda: pghangd.metric("pghangd_up", target="hung") == 1, timeout=20, what="it is up again")
    finally:
        for pid in stopped:
            process.cont(pid)
        hung.stop()


def test_each_target_has_its_own_rules_and_mode(cluster, other, session, several, app_name):
    pghangd = several(
        [
            target("main", cluster.dsn("pghangd")),
            target("other", other.dsn("pghangd"), mode="observe", rules=[rule("elsewhere", app_name, query_age="600ms")]),
        ],
        [rule("everywhere", app_name)],
    )
    here, there = session().start("SELECT pg_sleep(4)"), Session(other, app_name).start("SELECT pg_sleep(4)")
    assert pghangd.wait_incident(here.pid, outcome="cancelled")["rule"] == "everywhere"
    incident = pghangd.wait_incident(there.pid, diagnosed=True)
    assert (incident["rule"], incident["target"], incident["stage"]) == ("elsewhere", "other", "matched")
    there.wait()
    assert there.error is None
    assert pghangd.metric("pghangd_signals_total", target="other", outcome="accepted") == 0
    assert pghangd.metric("pghangd_actions_suppressed_total", target="other", reason="mode_observe") == 1
    assert (status(pghangd, "main")["mode"], status(pghangd, "other")["mode"]) == ("enforce", "observe")
    assert status(pghangd, "main")["local_process"] is status(pghangd, "other")["local_process"] is True
    there.close()


LIMITS = "budget: {actions_per_minute: 100, actions_per_hour: 100, share_percent: 100, unresponsive: 100}"


def signals(pghangd, name):
    return pghangd.metric("pghangd_signals_total", target=name, outcome="accepted")


def suppressed(pghangd, name, reason):
    return pghangd.metric("pghangd_actions_suppressed_total", target=name, reason=reason) or 0


def test_each_target_has_its_own_budget_and_a_reload_changes_it(cluster, other, session, several, app_name):
    """The one with the smaller budget suppresses while the other one, with the file's, signals."""

    def targets(per_hour):
        return [
            target("main", cluster.dsn("pghangd")),
            target("other", other.dsn("pghangd"), budget=f"{{actions_per_hour: {per_hour}}}"),
        ]

    rules = [rule("stuck", app_name, action="cancel")]
    pghangd = several(targets(1), rules, extra=LIMITS)
    here = [session().start("SELECT pg_sleep(60)") for _ in range(2)]
    there = [Session(other, app_name).start("SELECT pg_sleep(60)") for _ in range(2)]
    for one in here:
        pghangd.wait_incident(one.pid, outcome="cancelled")
    wait_until(lambda: suppressed(pghangd, "other", "budget_hour") == 1, what="the second one there waits")
    before = polls(pghangd, "other")
    wait_until(lambda: polls(pghangd, "other") > before + 3, what="polls later")
    assert (signals(pghangd, "main"), signals(pghangd, "other")) == (2, 1)
    assert (suppressed(pghangd, "main", "budget_hour"), suppressed(pghangd, "other", "budget_hour")) == (0, 1)
    pghangd.reload(targets(2), rules)
    for one in there:
        pghangd.wait_incident(one.pid, outcome="cancelled")
    assert signals(pghangd, "other") == 2
    for one in here + there:
        one.wait()
    for one in there:
        one.close()


def test_a_reload_adds_and_removes_targets_and_leaves_the_others_as_they_are(cluster, other, session, several, app_name):
    """The grace that runs on the first one goes on over both reloads."""
    rules = [rule("stuck", app_name, action="cancel", grace="5s")]
    first = target("main", cluster.dsn("pghangd"))
    pghangd = several([first], rules)
    stuck = session().start("SELECT ignore_cancel(9)")
    incident = pghangd.wait_incident(stuck.pid, stage="cancel_sent")
    connection = cluster.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'pghangd'")

    pghangd.reload([first, target("second", other.dsn("pghangd"))], rules)
    there = Session(other, app_name).start("SELECT pg_sleep(60)")
    pghangd.wait_incident(there.pid, stage="resolved", outcome="cancelled")
    there.wait()
    left = Session(other, app_name).start("SELECT ignore_cancel(8)")
    pghangd.wait_incident(left.pid, stage="cancel_sent")

    pghangd.reload([first], rules)
    assert status(pghangd, "second") is None
    assert pghangd.metric("pghangd_up", target="second") is None
    assert pghangd.wait_incident(left.pid, stage="resolved")["timeline"][-1]["note"] == "the target was removed from the configuration"
    wait_until(lambda: not other.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'pghangd'"), what="its connection is closed")

    assert cluster.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'pghangd'") == connection
    same = pghangd.wait_incident(stuck.pid, stage="unresponsive")
    assert same["id"] == incident["id"] and same["timeline"][: len(incident["timeline"])] == incident["timeline"]
    assert pghangd.metric("pghangd_signals_total", target="main", signal="cancel", outcome="accepted") == 1
    stuck.wait()
    left.wait()
    left.close()


def test_a_target_that_comes_back_has_spent_what_it_had_spent(cluster, other, session, several, app_name):
    """Removed and added again by reloads, it has no new budget for the hour."""
    rules = [rule("stuck", app_name, action="cancel")]
    first = target("main", cluster.dsn("pghangd"))
    second = target("other", other.dsn("pghangd"), budget="{actions_per_hour: 1}")
    pghangd = several([first, second], rules, extra=LIMITS)
    one = Session(other, app_name).start("SELECT pg_sleep(60)")
    pghangd.wait_incident(one.pid, outcome="cancelled")
    pghangd.reload([first], rules)
    assert status(pghangd, "other") is None
    pghangd.reload([first, second], rules)
    two = Session(other, app_name).start("SELECT pg_sleep(6)")
    wait_until(lambda: suppressed(pghangd, "other", "budget_hour") == 1)
    before = polls(pghangd, "other")
    wait_until(lambda: polls(pghangd, "other") > before + 3, what="polls later")
    assert signals(pghangd, "other") == 1
    for session_there in (one, two):
        session_there.wait()
        session_there.close()
    assert two.error is None


def test_a_target_that_moves_is_another_server(cluster, other, session, several, app_name):
    """The same name, another address: nothing of the old one is taken for the new one's."""
    rules = [rule("stuck", app_name, action="observe")]
    pghangd = several([target("main", cluster.dsn("pghangd"))], rules)
    old = session().start("SELECT pg_sleep(5)")
    pghangd.wait_incident(old.pid, diagnosed=True)
    identifier = status(pghangd, "main")["server"]["system_identifier"]
    pghangd.reload([target("main", other.dsn("pghangd"))], rules)
    new = Session(other, app_name).start("SELECT pg_sleep(3)")
    incident = pghangd.wait_incident(new.pid, diagnosed=True)
    assert incident["diagnosis"]["pid"] == new.pid
    assert pghangd.incident(old.pid)["stage"] == "resolved"
    assert status(pghangd, "main")["server"]["system_identifier"] != identifier
    for one in (old, new):
        one.wait()
    new.close()
