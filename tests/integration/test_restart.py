"""The daemon is killed, and the next one goes on: graces where they were, nothing sent twice, no incident lost."""

import random
import time

import pytest
from support.cluster import remove_folder
from support.daemon import rule, stages
from support.restart import kill, restart, start_again, state_directory
from support.signal_counter import SignalCounter
from support.waiting import wait_until

GRACE = 5.0


@pytest.fixture
def state():
    folder = state_directory()
    yield folder
    remove_folder(folder)


@pytest.fixture
def counter(cluster, session, app_name):
    made = []

    def make(name=""):
        made.append(SignalCounter(cluster, session(), app_name + name))
        return made[-1]

    yield make
    for one in made:
        one.release()


def slow_rule(app_name, more="", **other):
    return rule("stuck", app_name, grace=f"{GRACE:.0f}s", **other) + more


def start(daemon, state, rules, **more):
    return daemon(rules, env={"STATE_DIRECTORY": str(state)}, **more)


def check_graces(backend):
    assert len(backend.cancels) == 1, backend.counts.read_text()
    assert len(backend.terminates) == 1, backend.counts.read_text()
    between = backend.terminates[0] - backend.cancels[0]
    # It may have been restarted GRACE - 1 s into the grace, which then did not begin anew.
    assert GRACE - 0.1 <= between < 2 * GRACE - 1, between


@pytest.mark.parametrize("stage", ["cancel_sent", "terminate_sent", "unresponsive"])
def test_killed_after_a_signal_it_goes_on_and_sends_nothing_twice(daemon, state, counter, app_name, stage):
    backend = counter()
    pghangd = start(daemon, state, [slow_rule(app_name)])
    before = pghangd.wait_incident(backend.pid, stage=stage, timeout=30)
    kill(pghangd)
    if stage == "cancel_sent":
        time.sleep(max(0, backend.cancels[0] + GRACE - 1 - time.monotonic()))
    start_again(pghangd)
    after = pghangd.wait_incident(backend.pid, stage="unresponsive", diagnosed=True, timeout=30)
    assert after["id"] == before["id"]
    assert stages(after)[:4] == ["matched", "cancel_sent", "terminate_sent", "unresponsive"]
    assert any("restarted, and goes on" in (entry["note"] or "") for entry in after["timeline"])
    check_graces(backend)
    assert len(pghangd.json("/api/v1/incidents")["incidents"]) == 1


def test_killed_while_it_watches_it_waits_no_longer_than_it_would_have(daemon, state, counter, app_name):
    backend = counter()
    pghangd = start(daemon, state, [slow_rule(app_name, more="\n    for: 6s")])
    wait_until(lambda: pghangd.json("/api/v1/backends")["backends"], what="it is watched")
    seen = time.monotonic()
    time.sleep(4)
    restart(pghangd)
    pghangd.wait_incident(backend.pid, stage="cancel_sent")
    assert 5.0 < backend.cancels[0] - seen < 9.5
    assert len(backend.cancels) == 1


def test_killed_with_a_match_that_is_not_signalled_it_keeps_the_incident(daemon, state, counter, app_name):
    backend = counter()
    pghangd = start(daemon, state, [slow_rule(app_name, action="observe")])
    before = pghangd.wait_incident(backend.pid, stage="matched", diagnosed=True)
    wait_until(lambda: pghangd.events("not_signalled"))
    restart(pghangd)
    after = pghangd.wait_incident(backend.pid, stage="matched", diagnosed=True)
    assert after["id"] == before["id"]
    assert after["opened_at"] == before["opened_at"]
    time.sleep(1)
    assert len(pghangd.events("not_signalled")) == 1, "told once, not once per daemon"
    assert backend.counts.read_text() == "ready\n"


def test_killed_again_and_again_it_sends_nothing_twice(daemon, state, counter, app_name):
    backends = [counter(f"-{number}") for number in range(6)]
    pghangd = start(daemon, state, [rule("stuck", app_name, grace="2s")], wait=False)
    dice = random.Random(5)
    end = time.monotonic() + 25
    while time.monotonic() < end:
        time.sleep(dice.uniform(0.4, 2.0))
        kill(pghangd)
        pghangd.launch()
    kill(pghangd)
    start_again(pghangd)
    for backend in backends:
        wait_until(lambda: (pghangd.incident(backend.pid) or {}).get("stage") in ("unresponsive", "matched"), timeout=30)
    time.sleep(3)
    for backend in backends:
        assert len(backend.cancels) <= 1 and len(backend.terminates) <= 1, backend.counts.read_text()
        if backend.terminates:
            assert backend.terminates[0] - backend.cancels[0] >= 1.9
    assert sum(len(backend.cancels) for backend in backends) >= 4, "most were signalled"
    incidents = pghangd.json("/api/v1/incidents")["incidents"]
    assert sorted(one["pid"] for one in incidents) == sorted(backend.pid for backend in backends)


def test_killed_with_its_budget_spent_the_next_one_has_nothing_to_spend(daemon, state, counter, app_name):
    backends = [counter("-1"), counter("-2")]
    budget = "budget: {actions_per_minute: 100, actions_per_hour: 2, share_percent: 100, unresponsive: 100}"
    pghangd = start(daemon, state, [rule("stuck", app_name, action="cancel")], extra=budget)
    for one in backends:
        pghangd.wait_incident(one.pid, stage="cancel_sent")
    kill(pghangd)
    backends.append(counter("-3"))

    def why_not_the_third():
        seen = pghangd.json("/api/v1/backends")["backends"]
        return next((one["suppressed"] for one in seen if one["activity"]["pid"] == backends[2].pid), None)

    for _ in range(2):
        start_again(pghangd)
        wait_until(lambda: why_not_the_third() == "budget_hour")
        time.sleep(1)
        assert [len(one.cancels) for one in backends] == [1, 1, 0]
        kill(pghangd)
    assert len(pghangd.events("not_signalled", pid=backends[2].pid, reason="budget_hour")) == 1


BREAKER = "breaker: {jump: 2, jump_percent: 1, window: 10min, quiet: %s}"


def breaker_of(pghangd):
    return next(iter(pghangd.json("/api/v1/status")["targets"][0]["breakers"]), None)


def crowd_of(session):
    crowd = [session().start("SELECT pg_sleep(60)") for _ in range(4)]
    time.sleep(0.5)  # all of them are old enough for the rule in its first poll
    return crowd


def test_killed_with_a_breaker_open_the_next_one_has_it_open_until_it_would_have_closed(cluster, daemon, state, session, app_name):
    """Two are left after the death: too few for a breaker that begins anew."""
    quiet = 7
    crowd = crowd_of(session)
    pghangd = start(daemon, state, [rule("stuck", app_name, action="cancel")], extra=BREAKER % f"{quiet}s")
    wait_until(lambda: (breaker_of(pghangd) or {}).get("open"), what="it is open")
    opened = time.monotonic()
    kill(pghangd)
    for one in crowd[2:]:
        cluster.sql(f"SELECT pg_cancel_backend({one.pid})")
        one.wait()
    time.sleep(3)
    started = time.monotonic()
    start_again(pghangd)
    assert breaker_of(pghangd) == {"rule": "stuck", "open": True, "matches": 2}
    assert pghangd.metric("pghangd_breaker_open", rule="stuck") == 1
    wait_until(lambda: pghangd.events("breaker_opened", rule="stuck", restored="true"))
    for one in crowd[:2]:
        pghangd.wait_incident(one.pid, outcome="cancelled")
    closed = time.monotonic()
    assert closed - opened > quiet - 1, "not before"
    assert closed - started < quiet, "nor did it begin anew with the restart"
    assert len(pghangd.events("breaker_closed", rule="stuck")) == 1
    for one in crowd[:2]:
        one.wait()


def test_killed_after_a_breaker_was_reset_the_next_one_takes_those_who_match_for_known(daemon, state, session, app_name):
    crowd = crowd_of(session)
    pghangd = start(daemon, state, [rule("stuck", app_name, action="cancel")], mode="observe", extra=BREAKER % "1h")
    wait_until(lambda: (breaker_of(pghangd) or {}).get("open"), what="it is open")
    restart(pghangd)
    assert breaker_of(pghangd)["open"]
    assert pghangd.post("/-/breaker/reset") == (200, "closed: stuck on main\n")
    time.sleep(0.3)  # the answer does not wait for the disk
    restart(pghangd)
    for _ in range(3):
        assert breaker_of(pghangd) == {"rule": "stuck", "open": False, "matches": 4}
        time.sleep(0.3)
    for one in crowd:
        one.connection.cancel()
        one.wait()


def test_what_ended_meanwhile_is_told_so(cluster, daemon, state, session, app_name):
    backend = SignalCounter(cluster, session(), app_name)
    pghangd = start(daemon, state, [slow_rule(app_name)])
    before = pghangd.wait_incident(backend.pid, stage="terminate_sent", timeout=30)
    kill(pghangd)
    backend.release()
    wait_until(lambda: not cluster.sql(f"SELECT 1 FROM pg_stat_activity WHERE pid = {backend.pid}"))
    start_again(pghangd)
    after = pghangd.wait_incident(backend.pid, stage="resolved", outcome="terminated")
    assert after["id"] == before["id"]
    assert after["timeline"][-1]["note"] == "backend gone, while pghangd was not running"
    assert not pghangd.metric("pghangd_signal_effect_seconds_count", signal="terminate"), "nobody knows how long it took"


def test_incidents_of_a_target_that_is_configured_no_more_end(daemon, state, counter, app_name):
    backend = counter()
    pghangd = start(daemon, state, [slow_rule(app_name)])
    before = pghangd.wait_incident(backend.pid, stage="cancel_sent")
    kill(pghangd)
    text = pghangd.config.read_text()
    pghangd.config.write_text(text.replace("name: main", "name: other"))
    start_again(pghangd)
    ended = next(one for one in pghangd.json("/api/v1/incidents")["incidents"] if one["id"] == before["id"])
    assert (ended["stage"], ended["outcome"]) == ("resolved", "finished")


def test_a_reload_of_other_rules_leaves_a_grace_alone(daemon, state, counter, app_name):
    backend = counter()
    pghangd = start(daemon, state, [slow_rule(app_name)])
    before = pghangd.wait_incident(backend.pid, stage="cancel_sent")
    time.sleep(2)
    folder = state / "bundles"
    folder.mkdir()
    folder.chmod(0o777)
    pghangd.configure(
        [rule("other", "nobody-at-all", action="cancel"), slow_rule(app_name)],
        extra=f'incidents: {{keep: 5}}\nstore: {{max_age: 2d}}\nbundle: {{directory: "{folder}"}}',
    )
    assert pghangd.process.poll() is None
    pghangd.process.send_signal(1)
    wait_until(lambda: pghangd.events("reloaded"))
    assert not pghangd.events("reload_partial"), pghangd.log()
    after = pghangd.wait_incident(backend.pid, stage="unresponsive", diagnosed=True, timeout=30)
    assert after["id"] == before["id"]
    check_graces(backend)
    wait_until(lambda: list(folder.glob("*.pghang")), what="bundles are written from now on")
