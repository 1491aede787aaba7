"""What pghangd sees and does when SQL does not work: it goes on from /proc."""

import os
import signal
import socket
import threading
import time

import pytest
from support import process
from support.daemon import UNIT_CAPABILITIES, rule, stages
from support.waiting import wait_until
from support.without_sql import answers_quickly, is_down, is_up, os_incident, stage, target

IGNORES_CANCEL = "SELECT public.ignore_cancel(60)"
SLEEPS = "SELECT public.py_sleep(60)"
KILL = (*UNIT_CAPABILITIES, "kill")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give the daemon its capabilities")


def incidents_of(daemon, pid):
    return [one for one in daemon.json("/api/v1/incidents")["incidents"] if one["pid"] == pid]


def test_no_slot_left_an_ignored_terminate_is_found_and_joined_when_sql_is_back(binaries, app_name):
    with stage(binaries, ["max_connections = 8"]) as here:
        stuck = here.session(app_name).start(SLEEPS).active()
        refusal = here.exhaust(app_name)
        assert "53300" in refusal or "remaining connection slots" in refusal or "too many" in refusal
        os.kill(stuck.pid, signal.SIGTERM)
        daemon = here.daemon([rule("stuck", app_name, action="observe", grace="1s")])
        is_down(daemon, "too_many_connections")
        found = os_incident(daemon, "terminate_ignored")
        assert found["pid"] == stuck.pid and found["stage"] == "unresponsive"
        assert found["diagnosis"]["verdict"]["cause"] == "blocking_call"
        assert found["activity"]["user"] == "app" and found["activity"]["database"] == "postgres"
        seen = target(daemon)
        assert "too_many_connections" in seen["error"] and f"postmaster {here.own.postmaster} runs" in seen["error"]
        listed = {one["pid"]: one for one in seen["processes"]["list"]}
        assert listed[stuck.pid]["terminate_pending"] is True
        assert listed[stuck.pid]["title"].startswith("postgres: app postgres [local]")
        assert daemon.events("unresponsive", rule="terminate_ignored", source="os")
        assert "source: os" in daemon.get("/")[1]
        assert daemon.metric("pghangd_unresponsive_backends", target="main") == 1
        for one in here.sessions[1:]:
            one.close()
        is_up(daemon)
        wait_until(lambda: (daemon.incident(stuck.pid) or {}).get("rule") == "stuck", what="the rule takes the incident over")
        time.sleep(1)
        assert len(incidents_of(daemon, stuck.pid)) == 1
        assert target(daemon)["processes"] is None


def test_no_slot_left_does_not_matter_to_a_connection_that_is_open_and_survives_a_failed_statement(binaries, app_name):
    with stage(binaries, ["max_connections = 8"]) as here:
        daemon = here.daemon([rule("stuck", app_name)])
        backend = here.backend_of()
        here.exhaust(app_name)
        locker = here.session(app_name, user="postgres")
        locker.execute("BEGIN")
        locker.execute("LOCK pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: daemon.metric("pghangd_up", target="main") == 0, what="a poll fails")
        answers_quickly(daemon)
        locker.execute("ROLLBACK")
        is_up(daemon)
        assert here.backend_of() == backend, "the same connection as before"


def test_no_slot_left_is_no_failure_for_a_role_with_a_reserved_one(binaries, app_name):
    with stage(binaries, ["max_connections = 8"]) as here:
        here.exhaust(app_name)
        daemon = here.daemon([rule("stuck", app_name)], user="postgres")
        is_up(daemon)
        answers_quickly(daemon)
        assert (daemon.metric("pghangd_polls_total", target="main", result="too_many_connections") or 0) == 0


def test_a_stopped_postmaster_is_an_incident_while_sql_works_and_when_it_does_not(binaries, app_name):
    with stage(binaries) as here:
        daemon = here.daemon([rule("stuck", app_name)])
        here.stop_process(here.own.postmaster)
        found = os_incident(daemon, "postmaster_stopped")
        assert daemon.metric("pghangd_up", target="main") == 1, "an open connection goes on"
        assert found["pid"] == here.own.postmaster
        assert found["diagnosis"]["verdict"]["cause"] == "stopped"
        here.go_on()
        daemon.wait_incident(here.own.postmaster, outcome="self_resolved")
        here.take_sql_away()
        is_down(daemon, "start_up_timeout")
        wait_until(lambda: "is stopped" in (target(daemon)["error"] or ""), what="the error says it")
        assert len([one for one in incidents_of(daemon, here.own.postmaster) if one["stage"] == "unresponsive"]) == 1
        here.go_on()
        is_up(daemon)
        wait_until(lambda: not [one for one in incidents_of(daemon, here.own.postmaster) if one["outcome"] is None], what="over")


def test_a_daemon_that_never_had_a_connection_knows_the_postmaster_by_its_socket(binaries, app_name):
    with stage(binaries) as here:
        here.postmaster = here.own.postmaster
        here.stop_process(here.postmaster)
        daemon = here.daemon([rule("stuck", app_name)])
        is_down(daemon, "start_up_timeout")
        assert os_incident(daemon, "postmaster_stopped")["pid"] == here.postmaster


def test_a_killed_postmaster_leaves_an_orphan_that_is_an_incident(binaries, app_name):
    with stage(binaries) as here:
        stuck = here.session(app_name).start(SLEEPS).active()
        daemon = here.daemon([rule("stuck", app_name, query_age="1h")])
        wait_until(lambda: daemon.metric("pghangd_surveys_total", target="main", result="success"), what="the postmaster is known")
        here.kill_postmaster()
        is_down(daemon, "disconnected")
        found = os_incident(daemon, "orphan")
        assert found["pid"] == stuck.pid
        wait_until(lambda: "is gone; 1 process of it goes on" in (target(daemon)["error"] or ""), what="the error says it")
        os.kill(stuck.pid, signal.SIGKILL)
        daemon.wait_incident(stuck.pid, outcome="self_resolved")
        wait_until(lambda: "and so are its processes" in target(daemon)["error"], what="nobody is left")


def test_an_own_backend_that_hangs_is_diagnosed_like_any_other(binaries, app_name):
    with stage(binaries) as here:
        daemon = here.daemon([rule("stuck", app_name)])
        backend = here.backend_of()
        here.stop_process(backend)
        is_up_again = daemon.events("target_up")
        wait_until(lambda: daemon.events("target_down"), what="the poll timed out")
        assert "timeout" in daemon.events("target_down")[0]
        assert daemon.metric("pghangd_polls_total", target="main", result="timeout") >= 1
        found = os_incident(daemon, "own_backend")
        assert found["pid"] == backend
        assert found["diagnosis"]["verdict"]["cause"] == "stopped"
        wait_until(lambda: len(daemon.events("target_up")) > len(is_up_again), what="another connection works")
        answers_quickly(daemon)
        here.go_on()
        daemon.wait_incident(backend, outcome="self_resolved")


def test_a_server_that_takes_the_connection_and_says_nothing(binaries, app_name):
    with stage(binaries) as here, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = []

        def accept():
            try:
                while True:
                    taken.append(listener.accept())
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        port = listener.getsockname()[1]
        daemon = here.daemon([rule("stuck", app_name)], dsn=f"host=127.0.0.1 port={port} dbname=postgres user=pghangd sslmode=disable")
        is_down(daemon, "start_up_timeout")
        assert "took the connection and does not answer" in target(daemon)["error"]
        wait_until(lambda: target(daemon)["processes"], what="its processes were asked for")
        assert "no process of the server is known" in target(daemon)["processes"]["summary"]
        assert taken
        listener.shutdown(socket.SHUT_RDWR)


def test_a_socket_of_another_program_is_not_taken_for_a_postmaster(binaries, app_name):
    with stage(binaries) as here, socket.socket(socket.AF_UNIX) as listener:
        folder = here.own.folder / "sockets"
        folder.mkdir()
        folder.chmod(0o755)
        path = folder / ".s.PGSQL.5999"
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen()
        daemon = here.daemon([rule("stuck", app_name)], dsn=f"host={folder} port=5999 dbname=postgres user=pghangd")
        is_down(daemon, "start_up_timeout")
        wait_until(lambda: "is not PostgreSQL's" in target(daemon)["error"], what="said so")


def without_sql(here, daemon, stuck):
    """SQL goes in the grace that follows an accepted cancel."""
    daemon.wait_incident(stuck.pid, stage="cancel_sent")
    here.take_sql_away()
    is_down(daemon, "start_up_timeout")


ON = "signal_without_sql: true\n"
GRACE = {"grace": "4s"}


@needs_root
def test_without_sql_nothing_is_signalled_by_default(binaries, app_name):
    with stage(binaries) as here:
        stuck = here.session(app_name).start(IGNORES_CANCEL).active()
        daemon = here.daemon([rule("stuck", app_name, **GRACE)], capabilities=KILL)
        without_sql(here, daemon, stuck)
        wait_until(lambda: daemon.metric("pghangd_actions_suppressed_total", reason="without_sql"), what="suppressed")
        time.sleep(1)
        assert process.alive(stuck.pid)
        assert daemon.incident(stuck.pid)["stage"] == "cancel_sent"
        here.go_on()
        daemon.wait_incident(stuck.pid, outcome="terminated")


@needs_root
def test_with_signal_without_sql_the_helper_terminates_what_the_rule_had_matched(binaries, app_name):
    with stage(binaries) as here:
        stuck = here.session(app_name).start(IGNORES_CANCEL).active()
        other = here.session(app_name + "-other").start(IGNORES_CANCEL).active()
        daemon = here.daemon([rule("stuck", app_name, **GRACE)], extra=ON, capabilities=KILL)
        without_sql(here, daemon, stuck)
        wait_until(lambda: not process.alive(stuck.pid), what="terminated")
        found = daemon.wait_incident(stuck.pid, outcome="terminated")
        assert stages(found) == ["matched", "cancel_sent", "terminate_sent", "resolved"]
        assert any("terminate accepted: sent without SQL" in entry["note"] for entry in found["timeline"] if entry["note"])
        assert daemon.metric("pghangd_signals_total", signal="terminate", outcome="accepted") == 1
        assert daemon.metric("pghangd_up", target="main") == 0
        assert process.alive(other.pid), "nobody else was signalled"


@needs_root
def test_without_the_capability_it_is_refused_with_words_and_counted(binaries, app_name):
    with stage(binaries) as here:
        stuck = here.session(app_name).start(IGNORES_CANCEL).active()
        daemon = here.daemon([rule("stuck", app_name, **GRACE)], extra=ON)
        without_sql(here, daemon, stuck)
        wait_until(lambda: daemon.metric("pghangd_signals_total", signal="terminate", outcome="refused"), what="refused")
        assert "CAP_KILL" in daemon.events("signal_not_accepted")[0]
        assert process.alive(stuck.pid)


@needs_root
def test_a_backend_that_changed_its_statement_meanwhile_is_not_signalled(binaries, app_name):
    with stage(binaries) as here:
        stuck = here.session(app_name)
        stuck.start("SELECT public.ignore_cancel(3)").active()
        daemon = here.daemon([rule("stuck", app_name, grace="7s")], extra=ON, capabilities=KILL)
        without_sql(here, daemon, stuck)
        stuck.wait()
        stuck.start(IGNORES_CANCEL)
        wait_until(lambda: daemon.metric("pghangd_actions_suppressed_total", reason="undecided_without_sql"), what="suppressed")
        time.sleep(1)
        assert process.alive(stuck.pid)
        assert not daemon.metric("pghangd_signals_total", signal="terminate")


@needs_root
def test_an_exempt_backend_stays_exempt_without_sql(binaries, app_name):
    with stage(binaries) as here:
        stuck = here.session(app_name, user="postgres").start(IGNORES_CANCEL).active()
        daemon = here.daemon([rule("stuck", app_name, grace="700ms")], extra=ON, capabilities=KILL)
        wait_until(lambda: daemon.metric("pghangd_actions_suppressed_total", reason="superuser"), what="exempt")
        here.take_sql_away()
        is_down(daemon, "start_up_timeout")
        time.sleep(2)
        assert process.alive(stuck.pid)
        assert not daemon.metric("pghangd_signals_total", outcome="accepted")
